/** The pages begin: language, router and stores, then the shell. */
import './base.css'

import { createPinia } from 'pinia'
import { createApp } from 'vue'

import App from './App.vue'
import { i18n, startLanguage } from './i18n'
import { router, startPage } from './router'

async function begin(): Promise<void> {
  startPage(location.pathname)
  await startLanguage()
  createApp(App).use(createPinia()).use(i18n).use(router).mount('#app')
}

void begin()
