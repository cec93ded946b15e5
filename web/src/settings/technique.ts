/** Where MITRE describes a technique, or one of its parts: T1110.001 is T1110/001. */
export const techniqueHref = (technique: string): string =>
  `https://attack.mitre.org/techniques/${encodeURIComponent(technique).replace('.', '/')}/`
