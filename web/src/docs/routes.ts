import type { RouteRecordRaw } from 'vue-router'

/** The documentation: one page component for every slug, so that navigation and search stay as they are between pages. */
export const docsRoutes: RouteRecordRaw[] = [
  { path: '/docs/:slug?', component: () => import('./DocsApp.vue'), props: true },
]
