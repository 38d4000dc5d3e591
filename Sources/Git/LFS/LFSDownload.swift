import AsyncHTTPClient
import Dispatch
import FoundationEssentials
import NIOCore
import NIOHTTP1
import Reconcile
import Synchronization

/// The network step of Git LFS: asks the batch API where contents are, and downloads them. Blocks.
///
/// Runs in the child process of network steps. What the server says of tokens and signed addresses reaches no message.
struct LFSDownload: Sendable {
    private static let batchSize = 100
    private static let parallelDownloads = 4
    private static let answerLimit = 8 << 20
    private static let redirectLimit = 5

    let request: GitNetworkRequest
    let lfs: LFSRequest
    let url: GitRemoteURL
    let environment: [String: String]

    func run() throws {
        let store = LFSStore(directory: lfs.store)
        try store.prepare()
        let missing = Array(Set(lfs.pointers.filter { !store.has($0) }))
        for pointer in missing where pointer.size == 0 { try store.receive(pointer).finish(from: "") }
        let wanted = missing.filter { $0.size > 0 }
        guard !wanted.isEmpty else { return }
        let server = try server()
        let isOwn = server.address.host == url.host
        let client = try LFSClient(
            environment: environment, host: server.address.host,
            authority: isOwn ? request.certificateAuthority : nil)
        let outcome = Outcome()
        let done = DispatchSemaphore(value: 0)
        // The step has its thread for itself; what waits for the network does not block it.
        Task {
            do {
                try await download(wanted, server, client, store)
            } catch {
                outcome.set(error)
            }
            await client.close()
            done.signal()
        }
        done.wait()
        if let error = outcome.get() { throw error as? GitError ?? explained(error) }
    }

    private final class Outcome: Sendable {
        private let error = Mutex<(any Error)?>(nil)
        func set(_ new: any Error) { error.withLock { $0 = new } }
        func get() -> (any Error)? { error.withLock { $0 } }
    }

    /// The API, and what its requests carry.
    private struct Server: Sendable {
        var address: WebAddress
        var headers: [(String, String)]
    }

    private func server() throws -> Server {
        if let endpoint = lfs.endpoint {
            guard let address = WebAddress(endpoint) else { throw badAnswer("its address is not one of the web") }
            return Server(address: address, headers: credentials.map { [("Authorization", $0)] } ?? [])
        }
        let grant = try LFSAuthentication(request: request, url: url, environment: environment).run()
        guard let address = WebAddress(grant.href), address.isEncrypted else {
            throw badAnswer("git-lfs-authenticate names an address that is not https")
        }
        return Server(address: address, headers: try Self.headers(grant.header))
    }

    /// What basic authentication sends to the API, if anything.
    private var credentials: String? {
        guard let password = request.password ?? url.password else { return nil }
        let user = request.username ?? url.user ?? "git"
        return "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
    }

    // MARK: - The batch API

    private struct Batch: Encodable {
        var operation = "download"
        var transfers = ["basic"]
        var hash_algo = "sha256"
        var objects: [LFSPointer]
    }

    struct Answer: Decodable {
        struct Object: Decodable {
            struct Failure: Decodable {
                var code: Int?
                var message: String?
            }
            struct Action: Decodable {
                var href: String
                var header: [String: String]?
            }
            var oid: String
            var actions: [String: Action]?
            var error: Failure?
            var authenticated: Bool?
        }
        var transfer: String?
        var objects: [Object]
        var hash_algo: String?
    }

    private func download(
        _ pointers: [LFSPointer], _ server: Server, _ client: LFSClient, _ store: LFSStore
    ) async throws {
        for start in stride(from: 0, to: pointers.count, by: Self.batchSize) {
            let batch = Array(pointers[start..<min(start + Self.batchSize, pointers.count)])
            let answer = try await ask(batch, server, client)
            let objects = Dictionary(answer.objects.map { ($0.oid, $0) }) { first, _ in first }
            var waiting = batch[...]
            try await withThrowingTaskGroup(of: Void.self) { group in
                func next() throws {
                    guard let pointer = waiting.popFirst() else { return }
                    let action = try action(for: pointer, objects[pointer.oid])
                    let isKnown = objects[pointer.oid]?.authenticated == true
                    group.addTask { try await download(pointer, action, isKnown, server, client, store) }
                }
                for _ in 0..<Self.parallelDownloads { try next() }
                while try await group.next() != nil { try next() }
            }
        }
    }

    private func ask(_ batch: [LFSPointer], _ server: Server, _ client: LFSClient) async throws -> Answer {
        var post = HTTPClientRequest(url: server.address.appending("/objects/batch"))
        post.method = .POST
        post.headers.add(name: "Accept", value: "application/vnd.git-lfs+json")
        post.headers.add(name: "Content-Type", value: "application/vnd.git-lfs+json")
        for (name, value) in server.headers { post.headers.replaceOrAdd(name: name, value: value) }
        post.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(Batch(objects: batch))))
        let response = try await client.perform(post)
        try check(response.status, hadCredentials: !server.headers.isEmpty)
        let body: ByteBuffer
        do { body = try await response.body.collect(upTo: Self.answerLimit) } catch is NIOTooManyBytesError {
            throw badAnswer("it is too long")
        }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(body.readableBytesView)) else {
            throw badAnswer("it is not what the batch API says")
        }
        guard answer.transfer ?? "basic" == "basic", answer.hash_algo ?? "sha256" == "sha256" else {
            throw badAnswer("it wants another way to transfer than was asked for")
        }
        return answer
    }

    private func action(for pointer: LFSPointer, _ object: Answer.Object?) throws -> Answer.Object.Action {
        if let action = object?.actions?["download"], object?.error == nil { return action }
        let code = object?.error?.code ?? 404
        let why = object?.error?.message.map { ": \($0.prefix(200))" } ?? ""
        guard code != 401, code != 403 else {
            throw GitError(
                .authenticationFailed, "\(place) does not give out the Git LFS object \(pointer.oid.prefix(12))\(why)")
        }
        throw GitError(
            .remoteUnreachable, "\(place) does not have the Git LFS object \(pointer.oid.prefix(12))\(why)",
            advice: "Push it there (`git lfs push --all origin`); the next run tries again.")
    }

    // MARK: - Downloads

    private func download(
        _ pointer: LFSPointer, _ action: Answer.Object.Action, _ isAuthenticated: Bool, _ server: Server,
        _ client: LFSClient, _ store: LFSStore
    ) async throws {
        guard var address = WebAddress(action.href), address.isAsSafe(as: server.address) else {
            throw badAnswer("an object's address is not https")
        }
        var headers = try Self.headers(action.header ?? [:])
        let hasOwn = headers.contains { $0.0.lowercased() == "authorization" }
        // Our credentials go to the API's own server and nowhere else.
        if !hasOwn, !isAuthenticated, address.hasSameOrigin(as: server.address) {
            headers += server.headers.filter { $0.0.lowercased() == "authorization" }
        }
        for _ in 0...Self.redirectLimit {
            var get = HTTPClientRequest(url: address.text)
            for (name, value) in headers { get.headers.replaceOrAdd(name: name, value: value) }
            let response = try await client.perform(get)
            if (300..<400).contains(response.status.code), let target = response.headers.first(name: "Location") {
                guard let next = address.following(target), next.isAsSafe(as: address) else {
                    throw badAnswer("an object's address leads to one that is not https")
                }
                if !next.hasSameOrigin(as: address) { headers = [] }
                address = next
                continue
            }
            try check(
                response.status, hadCredentials: !headers.isEmpty,
                at: address.hasSameOrigin(as: server.address) ? nil : "the server that \(place) sends us to")
            let incoming = try store.receive(pointer)
            for try await part in response.body {
                try part.withUnsafeReadableBytes { try incoming.add($0) }
            }
            return try incoming.finish(from: place)
        }
        throw badAnswer("an object's address leads on and on")
    }

    /// Refuses names and values with which more than one header could be written.
    private static func headers(_ given: [String: String]) throws -> [(String, String)] {
        let forbidden = ["host", "content-length", "transfer-encoding", "connection"]
        return try given.compactMap { name, value in
            guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") }),
                value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f })
            else { throw GitError(.remoteUnreachable, "the Git LFS server wants a header that cannot be sent") }
            return forbidden.contains(name.lowercased()) ? nil : (name, value)
        }
    }

    // MARK: - Errors

    /// The server without paths and queries, in which tokens may stand.
    private var place: String { "the Git LFS server of \(url)" }

    /// - Parameter other: another server than that of Git LFS, which gave no credentials for it, or those.
    private func check(_ status: HTTPResponseStatus, hadCredentials: Bool, at other: String? = nil) throws {
        switch status.code {
        case 200..<300: return
        case 401, 403:
            if let other {
                throw GitError(
                    .authenticationFailed, "\(other) does not let us download (\(status.code))",
                    advice: "Credentials of the project are sent to its own server only; correct the Git LFS server.")
            }
            throw GitError(
                .authenticationFailed,
                "\(place) "
                    + (hadCredentials ? "refuses our credentials" : "asks for credentials, and none are configured")
                    + " (\(status.code))",
                advice: request.isAnonymous
                    ? "The project's credentials are not sent to other servers: name this one in git.submodules."
                    : "Check git.username and git.password; a token needs the right to read the repository.")
        case 404, 410:
            throw GitError(
                .authenticationFailed, "\(place) does not know the repository, or we may not see it (\(status.code))",
                advice: "Switch Git LFS on there, correct lfs.url in .lfsconfig, or give the project access.")
        case 300..<400: throw badAnswer("it sends us elsewhere (\(status.code)), where credentials do not follow")
        default: throw unreachable("it answers \(status.code)")
        }
    }

    private func badAnswer(_ why: String) -> GitError {
        GitError(.remoteUnreachable, "the answer of \(place) cannot be used: \(why)")
    }

    private func unreachable(_ why: String) -> GitError {
        GitError(
            .remoteUnreachable, "cannot download from \(place): \(why)",
            advice: "Check the network and the server; the next run tries again.")
    }

    /// An error of the HTTP client without addresses.
    private func explained(_ error: any Error) -> GitError {
        let text = String(describing: error)
        if text.contains("CERTIFICATE_VERIFY_FAILED") || text.contains("ertificate") {
            return GitError(
                .hostKeyUnknown, "the certificate of \(place) is not trusted",
                advice:
                    "Name its authority in `git.ca`, or install it (update-ca-certificates); check the host name.")
        }
        return unreachable(text.contains("://") ? "the connection failed" : String(text.prefix(200)))
    }
}
