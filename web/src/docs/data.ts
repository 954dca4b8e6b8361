// Fetches the documents of /docs/data, each once; one that failed is asked for again.
import { api } from '../api/client'
import type { ListedModels, Page, SearchEntry, SiteData } from './page'

const kept = new Map<string, Promise<unknown>>()

function fetchOnce<T>(path: string): Promise<T> {
  const known = kept.get(path)
  if (known) return known as Promise<T>
  const asked = api.get<T>(path)
  kept.set(path, asked)
  asked.catch(() => kept.delete(path))
  return asked
}

export const fetchSite = () => fetchOnce<SiteData>('/docs/data/site.json')
export const fetchPage = (slug: string) => fetchOnce<Page>(`/docs/data/pages/${encodeURIComponent(slug)}.json`)
export const fetchSearchIndex = () => fetchOnce<SearchEntry[]>('/docs/data/search.json')
/** Not kept: what an installation serves changes while the page is open. */
export const fetchModels = (signal?: AbortSignal) => api.get<ListedModels>('/docs/data/models.json', {}, signal)
