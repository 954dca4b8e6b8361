import type { IconName } from '../../design/icons'
import type { Permission } from '../types'

export interface Place {
  label: string
  to: string
  icon: IconName
  needs: Permission
}

/** The pages in groups; who may not see one does not see its link. */
export const PLACES: { title: string; places: Place[] }[] = [
  {
    title: 'Use',
    places: [
      { label: 'Overview', to: '/console', icon: 'chart', needs: 'read' },
      { label: 'Playground', to: '/console/playground', icon: 'chat', needs: 'use' },
      { label: 'Keys', to: '/console/keys', icon: 'key', needs: 'read' },
      { label: 'Logs', to: '/console/logs', icon: 'list', needs: 'read' },
      { label: 'Tasks', to: '/console/tasks', icon: 'image', needs: 'read' },
      { label: 'Models', to: '/console/models', icon: 'tag', needs: 'read' },
      { label: 'Wallet', to: '/console/wallet', icon: 'wallet', needs: 'read' },
    ],
  },
  {
    title: 'Run',
    places: [
      { label: 'Upstreams', to: '/console/upstreams', icon: 'server', needs: 'configure' },
      { label: 'Accounts', to: '/console/accounts', icon: 'book', needs: 'configure' },
      { label: 'Members', to: '/console/members', icon: 'users', needs: 'members' },
      { label: 'Settings', to: '/console/settings', icon: 'gear', needs: 'configure' },
    ],
  },
]
