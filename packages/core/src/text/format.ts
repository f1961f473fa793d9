const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** A size for people: `0 B`, `1.5 KiB`, `16 GiB`. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return 'unknown size'
  const sign = bytes < 0 ? '-' : ''
  let value = Math.abs(bytes)
  let unit = 0
  // 1023.95 KiB would read as "1024 KiB"
  while (value >= (unit === 0 ? 1024 : 1023.95) && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1
  return `${sign}${value.toFixed(digits).replace(/\.0$/, '')} ${units[unit]}`
}

/** A length of time for people, two units at most: `0.4 s`, `12 s`, `1 m 12 s`, `3 h 5 m`, `2 d 4 h`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return 'unknown time'
  const total = Math.max(0, ms) / 1000
  if (total < 9.95) return `${total.toFixed(1).replace(/\.0$/, '')} s`
  const seconds = Math.round(total)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'm', seconds % 60, 's')
  const minutes = Math.round(seconds / 60)
  if (minutes < 1440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'm')
  const hours = Math.round(minutes / 60)
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

function pair(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`
}

/** When something was, seen from `now` (both ms since 1970): `just now`, `5 m ago`, `in 2 h`, `3 d ago`. */
export function formatRelative(time: number, now: number): string {
  if (!Number.isFinite(time)) return 'unknown'
  const ms = Math.abs(now - time)
  if (ms < 5_000) return 'just now'
  const [coarse = ''] = /^[\d.]+ [a-z]+/.exec(formatDuration(ms)) ?? []
  return time <= now ? `${coarse} ago` : `in ${coarse}`
}

/** A moment (ms since 1970) for people, by this machine's clock and time zone: `2026-11-22 14:44:05`. */
export function formatMoment(time: number): string {
  if (!Number.isFinite(time)) return 'unknown'
  const at = new Date(time)
  const two = (value: number): string => String(value).padStart(2, '0')
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

/** A transfer rate for people: `12 MiB/s`. */
export function formatRate(bytes: number, ms: number): string {
  return ms > 0 ? `${formatBytes((bytes / ms) * 1000)}/s` : 'unknown rate'
}
