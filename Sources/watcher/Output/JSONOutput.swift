internal import Foundation

/// The one way values become JSON: snake_case, sorted keys, one line, slashes as they are.
enum JSONOutput {
    /// The version of every JSON result; keys are only ever added within one.
    static let schema = 1

    /// One line, ending with a newline.
    static func line(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return "{\"error\":\"not representable\"}\n" }
        return String(decoding: data, as: UTF8.self) + "\n"
    }
}
