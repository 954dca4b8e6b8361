import type { Role } from './types'

export const ROLES: Record<Role, string> = {
  owner: 'Everything: settings, other owners and admins, and all that an admin may.',
  admin: 'Every account: upstreams, prices, redemption codes, inviting and changing members and viewers.',
  member: 'Their own account: keys, playground, tasks, redeeming codes.',
  viewer: 'Their own account, to look at: no keys, nothing that spends.',
}
