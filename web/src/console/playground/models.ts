// The models of this installation by what the playground can do with them.
import { api } from '../../api/client'
import { book } from '../session'
import type { Model, ModelList } from '../types'
import { useLoad, type Loaded } from '../useLoad'

const MEDIA = ['image', 'video', 'music'] as const

export type Kind = (typeof MEDIA)[number]

export const isMedia = (operation: string): boolean => MEDIA.includes(operation.split('.')[0] as Kind)
export const mediaOf = (model: Model): string[] => model.operations.filter(isMedia)

/** The models of the book that have a price and an upstream. */
export function useModels(): Loaded<Model[]> {
  return useLoad(async (signal) => (await api.get<ModelList>('/api/models', { book: book.value }, signal)).data.filter(({ price, operations }) => price && operations.length), () => book.value)
}
