import type { RouteLocationNormalized, RouteRecordRaw } from 'vue-router'

import { onSignedOut } from '../api/client'
import type { Permission } from './types'

declare module 'vue-router' {
  interface RouteMeta {
    /** Without it the page is not for this member. */
    needs?: Permission
  }
}

type Answer = true | { path: string; query?: Record<string, string> }

/** To the page, or to where one must go first. When the server does not answer, the frame says so. */
async function guard(to: RouteLocationNormalized): Promise<Answer> {
  const { can, loadState, member, state } = await import('./session')
  onSignedOut((error) => void (error.code === 'sign_in_needed' && leave()))
  if (!state.value || !member.value) {
    try {
      await loadState()
    } catch {
      return true
    }
  }
  if (!state.value?.is_set_up) return { path: '/console/setup' }
  if (!member.value) return { path: '/console/sign-in', query: to.fullPath === '/console' ? {} : { next: to.fullPath } }
  return to.meta.needs && !can(to.meta.needs) ? { path: '/console' } : true
}

/** The session has ended while a page was open. */
async function leave(): Promise<void> {
  const [{ router }, { forget }] = await Promise.all([import('../shell/router'), import('./session')])
  forget()
  const { path, fullPath } = router.currentRoute.value
  if (path.startsWith('/console') && path !== '/console/sign-in') await router.push({ path: '/console/sign-in', query: { next: fullPath } })
}

function page(path: string, component: RouteRecordRaw['component'], needs: Permission = 'read', children: RouteRecordRaw[] = []): RouteRecordRaw {
  return { path, component, meta: { needs }, beforeEnter: guard, children } as RouteRecordRaw
}

/** The console: its own frame with the pages as children. */
export const consoleRoutes: RouteRecordRaw[] = [
  { path: '/console/setup', component: () => import('./entry/SetupPage.vue') },
  { path: '/console/sign-in', component: () => import('./entry/SignInPage.vue') },
  { path: '/console/sign-up', component: () => import('./entry/SignUpPage.vue') },
  { path: '/console/join', component: () => import('./entry/JoinPage.vue') },
  {
    path: '/console',
    component: () => import('./frame/ConsoleFrame.vue'),
    children: [
      page('', () => import('./pages/OverviewPage.vue')),
      page('logs', () => import('./pages/LogsPage.vue'), 'read', [{ path: ':id', component: () => import('./pages/LogDetail.vue') }]),
      page('tasks', () => import('./pages/TasksPage.vue'), 'read', [{ path: ':id', component: () => import('./pages/TaskDetail.vue') }]),
      page('models', () => import('./pages/ModelsPage.vue')),
      page('upstreams', () => import('./pages/UpstreamsPage.vue'), 'configure'),
      page('settings', () => import('./pages/SettingsPage.vue'), 'configure'),
      page('wallet', () => import('./pages/WalletPage.vue')),
      page('accounts', () => import('./pages/AccountsPage.vue'), 'configure'),
      page('members', () => import('./pages/MembersPage.vue'), 'members'),
      page('playground', () => import('./pages/PlaygroundPage.vue'), 'use'),
      page('keys', () => import('./pages/KeysPage.vue')),
      page('profile', () => import('./pages/ProfilePage.vue')),
    ],
  },
]
