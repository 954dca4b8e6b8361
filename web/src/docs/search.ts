// Search over the whole documentation, in the browser: every word must occur, and where it occurs says how much it counts.
import type { SearchEntry } from './page'

export interface Found {
  slug: string
  title: string
  section: string
  /** The heading that matches best, with its anchor. */
  heading: { id: string; title: string } | null
  snippet: string
}

const MAX_RESULTS = 20
const MAX_WORDS = 8
const SNIPPET_CHARS = 140
const WEIGHTS = { titleStart: 60, titleWord: 40, title: 20, section: 8, heading: 14, text: 3, textOften: 3 }

interface Prepared {
  entry: SearchEntry
  title: string
  section: string
  headings: string
  text: string
}

export function prepare(entries: SearchEntry[]): Prepared[] {
  return entries.map((entry) => ({
    entry,
    title: `${entry.title} ${entry.slug.replaceAll('-', ' ')}`.toLowerCase(),
    section: entry.section.join(' ').toLowerCase(),
    headings: entry.headings.map(([, title]) => title.toLowerCase()).join('\n'),
    text: entry.text.toLowerCase(),
  }))
}

export function wordsOf(query: string): string[] {
  return query.toLowerCase().split(/[\s,;]+/).filter(Boolean).slice(0, MAX_WORDS)
}

export function find(pages: Prepared[], query: string): Found[] {
  const words = wordsOf(query)
  if (!words.length) return []
  const scored = pages.map((page, index) => ({ page, index, score: scoreOf(page, words) })).filter(({ score }) => score > 0)
  scored.sort((left, right) => right.score - left.score || left.index - right.index)
  return scored.slice(0, MAX_RESULTS).map(({ page }) => describe(page, words))
}

function scoreOf(page: Prepared, words: string[]): number {
  let total = page.title.startsWith(words.join(' ')) ? WEIGHTS.titleStart : 0
  for (const word of words) {
    const score = scoreOfWord(page, word)
    if (score === 0) return 0
    total += score
  }
  return total
}

function scoreOfWord(page: Prepared, word: string): number {
  let score = 0
  if (page.title.startsWith(word)) score += WEIGHTS.titleStart
  else if (startsAWord(page.title, word)) score += WEIGHTS.titleWord
  else if (page.title.includes(word)) score += WEIGHTS.title
  if (page.section.includes(word)) score += WEIGHTS.section
  if (startsAWord(page.headings, word)) score += WEIGHTS.heading
  const at = page.text.indexOf(word)
  if (at >= 0) score += WEIGHTS.text + (page.text.indexOf(word, at + word.length) >= 0 ? WEIGHTS.textOften : 0)
  return score
}

function startsAWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]!)) return true
  }
  return false
}

function describe({ entry, title, text }: Prepared, words: string[]): Found {
  const rest = words.filter((word) => !title.includes(word))
  const heading = rest.length ? entry.headings.find(([, name]) => rest.some((word) => startsAWord(name.toLowerCase(), word))) : undefined
  const at = Math.max(0, ...(rest.length ? rest : words).slice(0, 1).map((word) => text.indexOf(word)))
  const from = at > 40 ? entry.text.indexOf(' ', at - 40) + 1 : 0
  const snippet = entry.text.slice(from, from + SNIPPET_CHARS).trim()
  return {
    slug: entry.slug,
    title: entry.title,
    section: entry.section.join(' › '),
    heading: heading ? { id: heading[0], title: heading[1] } : null,
    snippet: `${from ? '…' : ''}${snippet}${from + SNIPPET_CHARS < entry.text.length ? '…' : ''}`,
  }
}

/** The text in pieces, those that match marked. */
export function marked(text: string, words: string[]): { text: string; hit: boolean }[] {
  if (!words.length) return [{ text, hit: false }]
  const pattern = new RegExp(`(${words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`, 'giu')
  return text.split(pattern).map((piece, index) => ({ text: piece, hit: index % 2 === 1 })).filter((piece) => piece.text)
}
