import type { Digests as AllDigests } from './digest.ts'

/** Those that package managers keep. */
export type Digests = Pick<AllDigests, 'sha256' | 'md5'>

/** Which package a file is of, and whether it is still as it came with it. */
export type PackageAnswer =
  | {
      readonly state: 'owned'
      readonly tool: 'dpkg' | 'rpm'
      readonly name: string
      readonly version?: string
      readonly file: 'unchanged' | 'changed' | 'unknown'
      /** Why that is not known. */
      readonly because?: string
    }
  | { readonly state: 'none'; readonly because: string }
  | { readonly state: 'unknown'; readonly because: string }

/** A list of what is installed. Undefined when this machine does not have it. */
export interface PackageList {
  ownerOf(path: string, digests: Digests): Promise<PackageAnswer | undefined>
}
