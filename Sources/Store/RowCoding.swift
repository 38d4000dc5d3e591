import Deploy
import FoundationEssentials
internal import GRDB
import Reconcile

/// Values as JSON text in a column: sorted keys, so that equal values are equal text.
enum JSONText {
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try decoder.decode(type, from: Data(text.utf8))
    }
}

extension Row {
    /// A column, or the `DecodingError` that says which one is not what it should be.
    func value<Value: DatabaseValueConvertible>(_ column: String, _ type: Value.Type = Value.self) throws -> Value {
        guard let value = try? decode(Value?.self, forColumn: column) else { throw undecodable(column) }
        return value
    }

    func optional<Value: DatabaseValueConvertible>(_ column: String, _ type: Value.Type = Value.self) throws -> Value? {
        do { return try decode(Value?.self, forColumn: column) } catch { throw undecodable(column) }
    }

    func choice<Choice: RawRepresentable<String>>(_ column: String, _ type: Choice.Type = Choice.self) throws -> Choice
    {
        guard let choice = Choice(rawValue: try value(column)) else { throw undecodable(column) }
        return choice
    }

    /// A reason's code; one that another version of watcher knows and this one does not is `.unexpected`.
    func reason(_ column: String) throws -> Reason? {
        try optional(column, String.self).map { Reason(rawValue: $0) ?? .unexpected }
    }

    func json<Value: Decodable>(_ column: String, _ type: Value.Type = Value.self) throws -> Value {
        let text: String = try value(column)
        do {
            return try JSONText.decode(type, text)
        } catch let error as DecodingError {
            throw error.below(Column(stringValue: column))
        }
    }

    private func undecodable(_ column: String) -> DecodingError {
        .dataCorrupted(DecodingError.Context(codingPath: [Column(stringValue: column)], debugDescription: ""))
    }

    private struct Column: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

/// A deployment of which something stored cannot be decoded.
struct UnreadableDeployment: Error {
    let id: DeploymentID
    let error: DecodingError

    /// Lets an error of decoding say which deployment it is about.
    static func naming<Value>(_ id: DeploymentID, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as DecodingError { throw UnreadableDeployment(id: id, error: error) }
    }
}

extension DecodingError {
    /// The same with a key in front of its path.
    fileprivate func below(_ key: any CodingKey) -> DecodingError {
        func below(_ context: Context) -> Context {
            Context(codingPath: [key] + context.codingPath, debugDescription: context.debugDescription)
        }
        return switch self {
        case .typeMismatch(let type, let context): .typeMismatch(type, below(context))
        case .valueNotFound(let type, let context): .valueNotFound(type, below(context))
        case .keyNotFound(let missing, let context): .keyNotFound(missing, below(context))
        case .dataCorrupted(let context): .dataCorrupted(below(context))
        @unknown default: self
        }
    }
}

extension Deployment {
    /// What a list of deployments is read from; neither snapshot nor `before`.
    static let columns =
        "project, number, kind, status, reason, message, started_at, finished_at, attempts, \"commit\", changes"

    init(row: Row) throws {
        let id = DeploymentID(project: try row.value("project"), number: try row.value("number"))
        self = try UnreadableDeployment.naming(id) {
            var deployment = Deployment(
                id: id, kind: try row.choice("kind"), commit: try row.json("commit"), status: try row.choice("status"),
                startedAt: try row.value("started_at"))
            deployment.reason = try row.reason("reason")
            deployment.message = try row.optional("message")
            deployment.finishedAt = try row.optional("finished_at")
            deployment.attempts = try row.value("attempts")
            deployment.changes = try row.json("changes")
            return deployment
        }
    }

    func arguments() throws -> StatementArguments {
        [
            id.project, id.number, kind.rawValue, commit.id.hex, commit.subject, commit.author, commit.time,
            status.rawValue, reason?.rawValue, message, startedAt, finishedAt, attempts, try JSONText.encode(commit),
            try JSONText.encode(changes), try before.map { try JSONText.encode($0) },
        ]
    }
}

extension Snapshot {
    init(row: Row) throws {
        self.init(
            composeFiles: try row.json("compose_files"), project: try row.json("project_model"),
            imageIDs: try row.json("image_ids"), contentHashes: try row.json("content_hashes"),
            completed: try row.json("completed"))
        contents = try row.json("contents")
        imageDigests = try row.json("image_digests")
        builds = try row.json("builds")
    }

    func arguments(_ id: DeploymentID) throws -> StatementArguments {
        [
            id.project, id.number, try JSONText.encode(composeFiles), try JSONText.encode(project),
            try JSONText.encode(imageIDs), try JSONText.encode(contentHashes), try JSONText.encode(contents),
            try JSONText.encode(completed.sorted()), try JSONText.encode(imageDigests), try JSONText.encode(builds),
        ]
    }
}

extension SkippedCommit {
    init(row: Row) throws {
        self.init(
            commit: CommitID(hex: try row.value("commit_id")), reason: try row.value("reason"),
            code: try row.reason("code"), since: try row.value("since"), failures: try row.value("failures"),
            subject: try row.optional("subject"))
    }
}

extension Suspension {
    init(row: Row) throws {
        self.init(reason: try row.value("reason"), since: try row.value("since"), until: try row.optional("until"))
    }
}

extension Event {
    init(row: Row, of id: DeploymentID) throws {
        self.init(
            deploymentID: id, kind: try row.choice("kind"), stage: try row.choice("stage"),
            state: try row.choice("state"), service: try row.optional("service"), line: try row.value("line"),
            at: try row.value("at"))
    }
}
