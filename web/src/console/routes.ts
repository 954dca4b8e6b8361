import type { RouteRecordRaw } from 'vue-router'

/** The console: its own frame with the pages as children. */
export const consoleRoutes: RouteRecordRaw[] = [
  { path: '/console/:rest(.*)*', component: () => import('./StartPage.vue') },
]
