// Which page an address shows. Both apps bring their own routes; every page is a chunk of its own, loaded when it is asked for.
import { nextTick } from 'vue'
import { createRouter, createWebHistory } from 'vue-router'

import { consoleRoutes } from '../console/routes'
import { docsRoutes } from '../docs/routes'

export const router = createRouter({
  history: createWebHistory('/'),
  routes: [
    { path: '/', redirect: '/docs' },
    ...docsRoutes,
    ...consoleRoutes,
    { path: '/:rest(.*)*', component: () => import('./NotFound.vue') },
  ],
  scrollBehavior(to, from, saved) {
    if (saved) return saved
    if (to.path === from.path) return to.hash ? { el: CSS.escape(to.hash.slice(1)) && `#${CSS.escape(to.hash.slice(1))}` } : {}
    return { top: 0 }
  },
})

// Readers who cannot see the page change are put at its beginning; the first page is where the browser puts them by itself.
router.afterEach((to, from, failure) => {
  if (failure || from.matched.length === 0 || to.path === from.path) return
  void nextTick(() => document.getElementById('main')?.focus({ preventScroll: true }))
})

// After an upgrade the chunks of the page that is still open are gone: load the new page as a whole.
router.onError((error: Error, to) => {
  if (/dynamically imported module|Importing a module script failed/.test(error.message)) window.location.assign(to.fullPath)
})
