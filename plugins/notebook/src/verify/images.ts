import {PNG} from 'pngjs'
import jpeg from 'jpeg-js'
import pixelmatch from 'pixelmatch'

interface Pixels {
  width: number
  height: number
  /** RGBA */
  data: Uint8Array
}

/** The largest image that is decoded, in pixels. */
const mostPixels = 64 * 1024 * 1024

/** The share of the pixels, 0 to 1, that look different; why there is none where the images cannot be compared. Takes base64. */
export function imageDistance(mime: 'image/png' | 'image/jpeg', actual: string, committed: string): number | string {
  const [a, b] = [decode(mime, actual), decode(mime, committed)]
  if (!a || !b) return `the ${a ? 'committed' : 'new'} image cannot be decoded`
  if (a.width !== b.width || a.height !== b.height) return `the new image has ${a.width}x${a.height} pixels, the committed one ${b.width}x${b.height}`
  return pixelmatch(a.data, b.data, null, a.width, a.height) / (a.width * a.height)
}

function decode(mime: string, base64: string): Pixels | undefined {
  const bytes = Buffer.from(base64, 'base64')
  try {
    if (mime === 'image/jpeg') return jpeg.decode(bytes, {useTArray: true, formatAsRGBA: true, maxResolutionInMP: mostPixels / 1e6})
    // width and height stand at a fixed place: a small file may say that it is huge
    if (bytes.length < 24 || bytes.readUInt32BE(16) * bytes.readUInt32BE(20) > mostPixels) return undefined
    return PNG.sync.read(bytes)
  } catch {
    return undefined
  }
}
