import { jsonOf, plainHeaders, type SamplePart, type SampleRequest } from '../request.ts'

export function renderShell(request: SampleRequest): string {
  const options = [
    `curl --location --request ${request.method} ${shellQuoted(request.url)}`,
    request.key && `--header "Authorization: Bearer $${request.key}"`,
    ...plainHeaders(request).map(([name, value]) => `--header ${shellQuoted(`${name}: ${value}`)}`),
    request.body !== undefined && `--data-raw ${shellQuoted(jsonOf(request))}`,
    ...(request.parts ?? []).map(partOption),
    request.streams && '--no-buffer',
    request.saveAs && `--output ${shellQuoted(request.saveAs)}`,
  ]
  return options.filter(Boolean).join(' \\\n  ')
}

function partOption({ name, value, file }: SamplePart): string {
  // Values by another option than files: a value may begin with @ or <, which mean files to --form.
  if (!file) return `--form-string ${shellQuoted(`${name}=${value}`)}`
  return `--form ${shellQuoted(`${name}=@"${file.name.replace(/["\\]/g, '\\$&')}";type=${file.type}`)}`
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
