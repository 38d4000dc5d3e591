import FoundationEssentials

/// One call of the Engine API.
struct EngineRequest: Sendable {
    enum Method: String, Sendable, CustomStringConvertible {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"

        var description: String { rawValue }
    }

    struct Body: Sendable {
        var contentType: String
        var bytes: Data
    }

    var method: Method
    /// Below the version, percent-encoded: `/containers/json`.
    var path: String
    var query: [(name: String, value: String)] = []
    var headers: [(name: String, value: String)] = []
    var body: Body?
    /// A body that is made while it is sent.
    var upload: BuildArchive?
    /// What is being done, in words that follow "cannot".
    var operation: String
    var call: EngineError.Call = .other
    var service: String?
    /// Statuses of 400 and above that are an answer rather than a failure.
    var expected: Set<Int> = []
    /// From sending to the last byte of the answer; nil takes the usual one.
    var deadline: Duration?
    /// Whether the path goes below the API version.
    var isVersioned = true

    init(_ method: Method, _ path: String, to operation: String) {
        self.method = method
        self.path = path
        self.operation = operation
    }

    /// The path and query, without the version.
    var target: String {
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\($0.name)=\($0.value.percentEncoded())" }.joined(separator: "&")
    }
}

extension EngineRequest {
    static func get(_ path: String, to operation: String) -> EngineRequest { EngineRequest(.get, path, to: operation) }

    static func post(_ path: String, to operation: String) -> EngineRequest {
        EngineRequest(.post, path, to: operation)
    }

    /// The same request with one more query parameter.
    func adding(_ name: String, _ value: String) -> EngineRequest {
        var request = self
        request.query.append((name, value))
        return request
    }

    /// The same request with a `filters` parameter.
    func filtering(_ filters: [String: [String]]) throws -> EngineRequest {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return adding("filters", String(decoding: try encoder.encode(filters), as: UTF8.self))
    }

    /// The same request with a JSON body.
    func sending(_ value: some Encodable) throws -> EngineRequest {
        var request = self
        request.body = Body(contentType: "application/json", bytes: try EngineJSON.encode(value))
        return request
    }

    func expecting(_ statuses: Int...) -> EngineRequest {
        var request = self
        request.expected.formUnion(statuses)
        return request
    }

    func within(_ deadline: Duration) -> EngineRequest {
        var request = self
        request.deadline = deadline
        return request
    }

    func calling(_ call: EngineError.Call, service: String? = nil) -> EngineRequest {
        var request = self
        request.call = call
        request.service = service
        return request
    }
}
