/** The pages begin: who is signed in, the language and the page are asked for at once; then router and stores, then the shell. */
import './base.css'

import { createPinia } from 'pinia'
import { createApp } from 'vue'

import App from './App.vue'
import { i18n, startLanguage } from './i18n'
import { router, startPage } from './router'
import { useSession } from './session'

async function begin(): Promise<void> {
  const pinia = createPinia()
  void useSession(pinia).look().catch(() => undefined)
  const words = startLanguage()
  startPage(location.pathname)
  await words
  createApp(App).use(pinia).use(i18n).use(router).mount('#app')
}

void begin()
