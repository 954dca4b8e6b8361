import { toValue, watchEffect, type MaybeRefOrGetter } from 'vue'

/** Name the window after the page that is shown; every page calls this. */
export function useTitle(title: MaybeRefOrGetter<string | undefined>): void {
  watchEffect(() => {
    const named = toValue(title)
    document.title = named ? `${named} · Modelgate` : 'Modelgate'
  })
}
