// First calls to copy. The model answers in the book that the key is of: the sandbox has one of its own.
import type { Book } from './types'

export const TEST_MODEL = 'sandbox-chat'

export function curlOfChat(baseUrl: string, secret: string, model: string): string {
  return [
    `curl ${baseUrl}/v1/chat/completions \\`,
    `  -H "Authorization: Bearer ${secret}" \\`,
    '  -H "Content-Type: application/json" \\',
    `  -d '{"model": "${model}", "messages": [{"role": "user", "content": "Hello!"}]}'`,
  ].join('\n')
}

/** A model for a first call with a key: one it names whole, else the sandbox's, else a widely served one. */
export function firstModel(book: Book, models: string[]): string {
  return models.find((name) => !name.endsWith('*')) ?? (book === 'test' ? TEST_MODEL : 'gpt-4.1-mini')
}
