// A form that is being sent: the field that the API complains of gets its words, everything else stands over the form.
import { reactive } from 'vue'

import { ApiError, messageOf } from '../api/client'

/** Who mends a field needs no request id. */
const REQUEST_ID = / \(request id: req_\w+\)$/

export interface Form {
  busy: boolean
  /** What is not about one of the fields. */
  problem: string
  errors: Record<string, string>
}

/** `send` runs the action and answers whether it went well; `fields` are the names the API may complain of (`password.new` too). */
export function useForm(...fields: string[]): { form: Form; send: (act: () => Promise<void>) => Promise<boolean>; clear: () => void } {
  const form = reactive<Form>({ busy: false, problem: '', errors: {} })

  function clear(): void {
    form.problem = ''
    form.errors = {}
  }

  async function send(act: () => Promise<void>): Promise<boolean> {
    if (form.busy) return false
    clear()
    form.busy = true
    try {
      await act()
      return true
    } catch (error) {
      // `models[0]` and `rates.input` are about the field that holds them.
      const named = error instanceof ApiError ? error.param : error instanceof FieldError ? error.field : null
      const field = fields.find((name) => name === named || named?.startsWith(`${name}[`) || named?.startsWith(`${name}.`))
      if (field) form.errors = { [field]: messageOf(error).replace(REQUEST_ID, '') }
      else form.problem = messageOf(error)
      return false
    } finally {
      form.busy = false
    }
  }

  return { form, send, clear }
}

/** What the form itself finds wrong before anything is sent. */
export class FieldError extends Error {
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message)
  }
}
