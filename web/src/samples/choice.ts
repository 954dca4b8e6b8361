// The language that the reader looks at, everywhere and next time too.
import { ref, watch } from 'vue'

import { LANGUAGES, type LanguageId } from '.'

const KEY = 'modelgate-language'

function remembered(): LanguageId {
  try {
    const kept = localStorage.getItem(KEY)
    return LANGUAGES.find(({ id }) => id === kept)?.id ?? 'shell'
  } catch {
    return 'shell'
  }
}

export const chosenLanguage = ref<LanguageId>(remembered())

watch(chosenLanguage, (id) => {
  try {
    localStorage.setItem(KEY, id)
  } catch {
    // No storage allowed: the choice lasts as long as the page.
  }
})
