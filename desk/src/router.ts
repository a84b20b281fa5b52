/** The pages, each loaded when it is first opened. A page has its folder in `pages/` and its words in `i18n/`. */
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'

import { loadWords } from './i18n'

export interface Entry {
  /** Name of the folder, of the words' file and of the route. */
  name: string
  /** Acts of which one is needed to see the page in the rail; none: every role. */
  acts: string[]
  /** Roles for which the page is made; empty: by its acts alone. */
  agent?: boolean
  page: RouteRecordRaw['component']
}

/** In the order of the rail. */
export const PAGES: Entry[] = [
  { name: 'desk', acts: [], agent: true, page: () => import('./pages/desk/Page.vue') },
  { name: 'mine', acts: [], agent: true, page: () => import('./pages/mine/Page.vue') },
  { name: 'floor', acts: ['conversations.monitor', 'callbacks.mode'], page: () => import('./pages/floor/Page.vue') },
  { name: 'callbacks', acts: ['callbacks.read'], page: () => import('./pages/callbacks/Page.vue') },
  { name: 'tickets', acts: ['tickets.read'], page: () => import('./pages/tickets/Page.vue') },
  { name: 'customers', acts: ['customers.read'], page: () => import('./pages/customers/Page.vue') },
  { name: 'knowledge', acts: ['knowledge.read'], page: () => import('./pages/knowledge/Page.vue') },
  { name: 'qa', acts: ['qa.samples', 'qa.score'], page: () => import('./pages/qa/Page.vue') },
  { name: 'reports', acts: ['reports.read'], page: () => import('./pages/reports/Page.vue') },
  { name: 'admin', acts: ['definitions.reload', 'agents.define'], page: () => import('./pages/admin/Page.vue') },
  { name: 'try', acts: ['phone.try'], page: () => import('./pages/try/Page.vue') },
]

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', name: 'start', component: () => import('./shell/Start.vue') },
    ...PAGES.map(
      ({ name, page }): RouteRecordRaw => ({
        // What follows the page's name is the page's own: /tickets/T-1042, /qa/plans.
        path: `/${name}/:rest(.*)*`,
        name,
        component: page!,
        meta: { words: name },
      }),
    ),
    {
      path: '/wallboard/:rest(.*)*',
      name: 'wallboard',
      component: () => import('./pages/wallboard/Page.vue'),
      // It hangs on a wall: no bar, no rail, a token of its own.
      meta: { words: 'wallboard', bare: true },
    },
    { path: '/:other(.*)*', name: 'nowhere', component: () => import('./shell/Nowhere.vue') },
  ],
})

/** Fetch the page of this path while the words of the language come; where it fails, the router asks again and says so. */
export function startPage(path: string): void {
  const found = PAGES.find(({ name }) => path.split('/')[1] === name)
  if (found) void (found.page as () => Promise<unknown>)().catch(() => undefined)
}

router.beforeEach(async (to) => {
  if (typeof to.meta.words === 'string') await loadWords(to.meta.words)
})

declare module 'vue-router' {
  interface RouteMeta {
    words?: string
    bare?: boolean
  }
}
