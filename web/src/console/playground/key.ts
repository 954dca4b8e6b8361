// The key that the playground calls with: given out for a few hours, kept in memory alone, one for each book.
import { api } from '../../api/client'
import { member } from '../session'
import { nowS } from '../time'
import type { Book } from '../types'

const SPARE_S = 300

interface PlaygroundKey {
  secret: string
  expires_at: number
}

const kept = new Map<string, PlaygroundKey>()

/** Return a secret that works for some minutes at least. */
export async function secretOf(book: Book): Promise<string> {
  const whose = `${member.value?.id} ${book}`
  const found = kept.get(whose)
  if (found && found.expires_at - SPARE_S > nowS()) return found.secret
  const fresh = await api.post<PlaygroundKey>('/api/playground-key', { book })
  kept.set(whose, fresh)
  return fresh.secret
}

/** The key was refused, perhaps deleted meanwhile: the next call asks for another. */
export function dropSecret(book: Book): void {
  kept.delete(`${member.value?.id} ${book}`)
}
