// Pictures from the reader's disk, as data URLs that go along in a request.

const MAX_BYTES = 10 * 1024 * 1024
export const PICTURES = 'image/png,image/jpeg,image/webp,image/gif'

/** Read one file. Throws a sentence for the reader. */
export function readPicture(file: File): Promise<string> {
  if (!PICTURES.split(',').includes(file.type)) return Promise.reject(new Error(`${file.name} is not a PNG, JPEG, WebP or GIF picture.`))
  if (file.size > MAX_BYTES) return Promise.reject(new Error(`${file.name} is larger than 10 MB.`))
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(reader.result as string)
    reader.onerror = () => reject(new Error(`${file.name} cannot be read.`))
    reader.readAsDataURL(file)
  })
}
