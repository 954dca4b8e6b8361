// The accounts an owner or admin may look at, shared by every page that names one.
import { shallowRef } from 'vue'

import { api } from '../api/client'

export interface AccountName {
  id: string
  name: string
}

const MAX_LISTED = 200

export const accounts = shallowRef<AccountName[]>([])

/** Load their names; a server without the list leaves the choice out, so that nothing else waits for it. */
export async function loadAccounts(): Promise<void> {
  try {
    accounts.value = (await api.get<{ data: AccountName[] }>('/api/accounts', { limit: MAX_LISTED })).data
  } catch {
    accounts.value = []
  }
}
