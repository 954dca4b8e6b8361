// What a page shows: loaded at once, again whenever its question changes, and never an older answer over a newer one.
import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue'

import { api, messageOf, wasAborted, type Query } from '../api/client'

export interface Loaded<T> {
  data: ShallowRef<T | undefined>
  /** A sentence for the reader; empty when all is well. */
  problem: ShallowRef<string>
  busy: ShallowRef<boolean>
  reload: () => Promise<void>
}

/** Load now and whenever `question` changes its value. The last answer stays in sight until the next is there. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, question: () => unknown = () => null): Loaded<T> {
  const data = shallowRef<T>()
  const problem = shallowRef('')
  const busy = shallowRef(false)
  let running: AbortController | undefined

  async function reload(): Promise<void> {
    running?.abort()
    const mine = (running = new AbortController())
    busy.value = true
    try {
      const answer = await load(mine.signal)
      if (mine !== running) return
      data.value = answer
      problem.value = ''
    } catch (error) {
      if (mine !== running || wasAborted(error)) return
      problem.value = messageOf(error)
    } finally {
      if (mine === running) busy.value = false
    }
  }

  watch(() => JSON.stringify(question()), reload, { immediate: true })
  onScopeDispose(() => running?.abort())
  return { data, problem, busy, reload }
}

interface Page<Row> {
  data: Row[]
  next: string | null
}

export interface Paged<Row> extends Loaded<Row[]> {
  hasMore: ShallowRef<boolean>
  busyMore: ShallowRef<boolean>
  /** Add the page that follows. */
  more: () => Promise<void>
}

/** A list of the API page by page, from its beginning whenever the query changes. */
export function usePages<Row>(path: string, query: () => Query): Paged<Row> {
  const hasMore = shallowRef(false)
  const busyMore = shallowRef(false)
  let next: string | null = null
  const first = useLoad(async (signal) => take(await api.get<Page<Row>>(path, query(), signal)), query)

  function take(page: Page<Row>): Row[] {
    next = page.next
    hasMore.value = next !== null
    return page.data
  }

  async function more(): Promise<void> {
    const [after, asked] = [next, JSON.stringify(query())]
    if (after === null || busyMore.value) return
    busyMore.value = true
    try {
      const page = await api.get<Page<Row>>(path, { ...query(), after })
      if (asked !== JSON.stringify(query()) || after !== next) return // the list began anew meanwhile
      first.data.value = [...(first.data.value ?? []), ...take(page)]
      first.problem.value = ''
    } catch (error) {
      first.problem.value = messageOf(error)
    } finally {
      busyMore.value = false
    }
  }

  return { ...first, hasMore, busyMore, more }
}

/** Call again and again while `wanted`, a while after the last call has ended, and not while nobody looks. */
export function usePolling(act: () => Promise<void>, wanted: () => boolean, everyMs: number): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let ended = false

  async function turn(): Promise<void> {
    if (!document.hidden && wanted()) await act()
    if (!ended) timer = setTimeout(turn, everyMs)
  }

  timer = setTimeout(turn, everyMs)
  onScopeDispose(() => {
    ended = true
    clearTimeout(timer)
  })
}
