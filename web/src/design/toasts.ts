// Short words about what was just done; UiToasts, once in the shell, shows them.
import { ref } from 'vue'

export interface Toast {
  id: number
  text: string
  tone: 'good' | 'bad'
}

const SHOWN_MS = 5000
const MAX_TOASTS = 4
let last = 0
export const toasts = ref<Toast[]>([])

/** Say that something was done, or with tone "bad" that it was not. */
export function toast(text: string, tone: Toast['tone'] = 'good'): void {
  const id = ++last
  toasts.value = [...toasts.value, { id, text, tone }].slice(-MAX_TOASTS)
  setTimeout(() => dismiss(id), SHOWN_MS)
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((shown) => shown.id !== id)
}
