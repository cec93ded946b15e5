/** Numbers as sentences hold them. */
export const n = (count: number): string => count.toLocaleString('en')

export const many = (count: number, one: string, more: string): string =>
  `${n(count)} ${count === 1 ? one : more}`
