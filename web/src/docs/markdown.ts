// Markdown to HTML without any HTML of its own, and without the style attributes that the content security policy refuses.
import MarkdownIt from 'markdown-it'

export interface Heading {
  id: string
  title: string
  level: number
}

/** Fenced code at the top level is handed out as it is, to be shown with colours and a button. */
export type Block = { html: string; /** The anchor of the heading it begins with, if it does. */ begins: string } | { code: string; language: string }

const parser = new MarkdownIt({ html: false, linkify: false, typographer: false })
const MAX_LEVEL = 3 // of headings in the table of contents

type Token = ReturnType<typeof parser.parse>[number]

parser.renderer.rules.table_open = () => '<div class="table" role="group" aria-label="Table" tabindex="0"><table>\n'
parser.renderer.rules.table_close = () => '</table></div>\n'
// Within lists code stays where it is; it may scroll, so the keyboard must reach it.
parser.renderer.rules.fence = parser.renderer.rules.code_block = (tokens, index) =>
  `<pre tabindex="0" role="group" aria-label="Code"><code>${parser.utils.escapeHtml(tokens[index]!.content)}</code></pre>\n`
for (const rule of ['th_open', 'td_open'] as const) {
  parser.renderer.rules[rule] = (tokens, index) => {
    const token = tokens[index]!
    const tag = rule === 'th_open' ? 'th' : 'td'
    const end = String(token.attrGet('style') ?? '').includes('right')
    return `<${tag}${tag === 'th' ? ' scope="col"' : ''}${end ? ' class="end"' : ''}>`
  }
}

/** Anchors as GitHub makes them; `seen` counts those of one page, so that a repeated heading gets -1, -2. */
export function anchorOf(title: string, seen: Map<string, number>): string {
  const plain = title
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replace(/ /g, '-')
  const before = seen.get(plain)
  seen.set(plain, (before ?? 0) + 1)
  return before ? `${plain}-${before}` : plain
}

function plainText(token: Token): string {
  return (token.children ?? []).map((child) => (child.type === 'softbreak' ? ' ' : child.content)).join('')
}

export function renderMarkdown(text: string): { blocks: Block[]; headings: Heading[] } {
  const tokens = parser.parse(text, {})
  const [blocks, headings]: [Block[], Heading[]] = [[], []]
  const seen = new Map<string, number>()
  let from = 0
  const flush = (to: number) => {
    if (to <= from) return
    const first = tokens[from]!
    blocks.push({ html: parser.renderer.render(tokens.slice(from, to), parser.options, {}), begins: first.tag === 'h2' ? String(first.attrGet('id')) : '' })
  }
  tokens.forEach((token, index) => {
    if (token.type === 'heading_open') markHeading(token, tokens[index + 1]!)
    if (token.type === 'heading_open' && token.tag === 'h2' && token.level === 0) {
      flush(index)
      from = index
    }
    if (!(token.type === 'fence' || token.type === 'code_block') || token.level > 0) return
    flush(index)
    from = index + 1
    blocks.push({ code: token.content.replace(/\n$/, ''), language: token.info.trim().split(/\s/)[0] ?? '' })
  })
  flush(tokens.length)
  return { blocks, headings }

  function markHeading(token: Token, inline: Token): void {
    const title = plainText(inline)
    const id = anchorOf(title, seen)
    token.attrSet('id', id)
    if (token.tag === 'h1') token.tag = 'h2' // the page's title is its only h1
    const level = Number(token.tag.slice(1))
    if (level <= MAX_LEVEL) headings.push({ id, title, level })
  }
}

/** One line of Markdown, such as the description of a field. */
export function renderInline(text: string): string {
  return parser.renderInline(text)
}
