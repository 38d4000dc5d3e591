import Glibc

/// Calls `body` with the strings as a null-terminated vector of C strings.
func withCStrings<R>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
    let vector = UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
    for (index, string) in strings.enumerated() { vector.initializeElement(at: index, to: strdup(string)) }
    vector.initializeElement(at: strings.count, to: nil)
    defer {
        for string in vector { free(string) }
        vector.deallocate()
    }
    guard let start = vector.baseAddress else { preconditionFailure("a vector of at least one element has a start") }
    return body(start)
}
