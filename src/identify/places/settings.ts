import { z } from 'zod'

/** The `places` section of the config. */
export const placesSettings = z
  .strictObject({
    files: z
      .array(z.string().min(1).max(4_096))
      .max(8)
      .default([])
      .describe(
        'Your own MMDB files of cities, countries or networks, such as /var/lib/GeoIP/GeoLite2-City.mmdb. ' +
          'What they know wins over what Gatehouse brings along; the first one that knows it counts.',
      ),
    country: z
      .string()
      .regex(/^[A-Z]{2}$/, 'write the two letters of a country, such as DE')
      .optional()
      .describe(
        'Country where this machine stands, such as DE: the map draws its lines from there. ' +
          'Absent: what a public address of this machine or its time zone tells.',
      ),
  })
  .prefault({})

export type PlacesSettings = z.infer<typeof placesSettings>
