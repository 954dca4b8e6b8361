// Light or dark: the system's choice until the reader makes one. public/theme.js puts the choice in force before the first paint.
import { ref } from 'vue'

export type Theme = 'system' | 'light' | 'dark'

const KEY = 'modelgate-theme'
export const theme = ref<Theme>((document.documentElement.dataset.theme as Theme | undefined) ?? 'system')

export function chooseTheme(chosen: Theme): void {
  theme.value = chosen
  if (chosen === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = chosen
  try {
    if (chosen === 'system') localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, chosen)
  } catch {
    // No storage allowed: the choice lasts as long as the page.
  }
}
