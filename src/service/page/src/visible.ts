// What of a text may be shown. Everything that becomes a text node goes through here.

// Controls that are not seen but change what is: they turn the reading direction round (10天 as 天01) or hide characters.
const UNSEEN =
  /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u00AD\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u2064\u2066-\u206F\uFEFF\uFFF9-\uFFFB]|[\u{E0000}-\u{E007F}]/gu;

/** A text without characters that cannot be seen and change how others look. */
export function visible(text: string): string {
  return text.replace(/\r\n?|[\u2028\u2029]/g, "\n").replace(UNSEEN, "");
}
