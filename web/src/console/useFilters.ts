// Filters that stand in the address: a link to a filtered list can be kept and sent on.
import { computed, type WritableComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

/** One text for each name, empty where the address has none. Changing one keeps the place in the page. */
export function useFilters<Name extends string>(...names: Name[]): { filters: Record<Name, WritableComputedRef<string>>; values: () => Record<Name, string>; isSet: () => boolean; clear: () => void } {
  const [route, router] = [useRoute(), useRouter()]
  const read = (name: Name): string => (typeof route.query[name] === 'string' ? route.query[name] : '')

  function change(changed: Partial<Record<Name, string>>): void {
    const query = Object.fromEntries(Object.entries({ ...route.query, ...changed }).filter(([, value]) => value))
    void router.replace({ path: route.path, query })
  }

  return {
    filters: Object.fromEntries(names.map((name) => [name, computed({ get: () => read(name), set: (value) => change({ [name]: value } as Partial<Record<Name, string>>) })])) as Record<Name, WritableComputedRef<string>>,
    values: () => Object.fromEntries(names.map((name) => [name, read(name)])) as Record<Name, string>,
    isSet: () => names.some((name) => read(name)),
    clear: () => change(Object.fromEntries(names.map((name) => [name, ''])) as Partial<Record<Name, string>>),
  }
}
