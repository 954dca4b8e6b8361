// What filters offer to choose from. A list that cannot be loaded leaves its filter with "any" alone: the page itself says what is wrong.
import { api } from '../api/client'
import { account, book } from './session'
import type { ModelList, Upstream } from './types'
import { useLoad, type Loaded } from './useLoad'

const MAX_LISTED = 200

interface Named {
  id: string
  name: string
}

async function listed<T>(path: string, query: Record<string, string>, signal: AbortSignal): Promise<T[]> {
  return (await api.get<{ data: T[] }>(path, { ...query, limit: MAX_LISTED }, signal)).data
}

export const useKeyNames = (): Loaded<Named[]> =>
  useLoad((signal) => listed<Named>('/api/keys', { book: book.value, account: account.value }, signal), () => [book.value, account.value])

export const useModelNames = (): Loaded<string[]> =>
  useLoad(async (signal) => (await api.get<ModelList>('/api/models', { book: book.value }, signal)).data.map(({ id }) => id), () => book.value)

export const useUpstreamNames = (wanted: () => boolean): Loaded<Named[]> =>
  useLoad((signal) => (wanted() ? api.get<{ data: Upstream[] }>('/api/upstreams', {}, signal).then(({ data }) => data.filter((one) => one.book === book.value)) : Promise.resolve([])), () => [book.value, wanted()])
