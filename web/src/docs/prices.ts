// List prices in words: "input 2.50 per 1,000,000 tokens".

/** One line for each rate; `units` says for how many of a unit a rate is. */
export function priceInWords(rates: Record<string, string>, units: Record<string, number>): string[] {
  return Object.entries(rates).map(([unit, rate]) => {
    const per = units[unit] ?? 1
    const [what, counted] = partsOf(unit)
    return `${what}${rate} per ${per === 1 ? singular(counted) : `${per.toLocaleString('en')} ${counted}`}`
  })
}

/** `input_tokens` is the input, counted in tokens. */
function partsOf(unit: string): [string, string] {
  const words = unit.split('_')
  const counted = words.pop() ?? unit
  return [words.length ? `${words.join(' ')} ` : '', counted]
}

function singular(word: string): string {
  return word.replace(/s$/, '')
}
