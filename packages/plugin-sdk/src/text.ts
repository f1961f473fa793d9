import {sanitizeLine} from '@cgpu/core/text/line'

/** Text from outside made harmless for a terminal; its line breaks stay. */
export const inert = (text: string): string => text.split('\n').map((line) => sanitizeLine(line, 10_000)).join('\n')
