/** How one part is doing. `degraded` and `off` say why and what a person can do about it. */
export type PartHealth =
  | { readonly part: string; readonly state: 'ok'; readonly note: string }
  | {
      readonly part: string
      readonly state: 'degraded' | 'off'
      readonly reason: string
      readonly remedy: string
    }
