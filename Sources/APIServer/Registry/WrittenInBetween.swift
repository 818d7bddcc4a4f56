/// Somebody else was quicker: the write begins again, from the newest state. Each time somebody got through, so this ends.
struct WrittenInBetween: Error {}
