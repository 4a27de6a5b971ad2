/** What is not as its format says, or does not hold. */
export class Unsound extends Error {}
