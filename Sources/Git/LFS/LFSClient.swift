import AsyncHTTPClient
import NIOCore
import NIOSSL
import Reconcile

/// The HTTP client of one download step: verifies certificates, follows no redirect by itself, goes through the proxy that the
/// environment names, as Git's own connections do.
final class LFSClient: Sendable {
    private let client: HTTPClient

    /// - Parameter authority: a file of authorities to trust besides the usual ones.
    init(environment: [String: String], host: String, authority: String?) throws {
        func variable(_ names: String...) -> String? {
            names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        }
        var tls = TLSConfiguration.makeClientConfiguration()
        if let authority { tls.additionalTrustRoots = [.file(authority)] }
        if let file = variable("GIT_SSL_CAINFO", "SSL_CERT_FILE") { tls.trustRoots = .file(file) }
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls, redirectConfiguration: .disallow)
        configuration.timeout = .init(connect: .seconds(20), read: .seconds(60))
        configuration.httpVersion = .http1Only
        if let proxy = variable("https_proxy", "HTTPS_PROXY"),
            !Self.isExempt(host, variable("no_proxy", "NO_PROXY") ?? "")
        {
            configuration.proxy = try Self.proxy(proxy)
        }
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Dropping an open client is a fatal error.
    func close() async { try? await client.shutdown() }

    /// Throws when there is no answer; its status is the caller's business.
    func perform(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
        try await client.execute(request, deadline: .distantFuture)
    }

    private static func proxy(_ text: String) throws -> HTTPClient.Configuration.Proxy {
        let rest = text.firstRange(of: "://").map { text[$0.upperBound...] } ?? text[...]
        let authority = rest.prefix { $0 != "/" }
        let parts = authority.split(separator: "@", maxSplits: 1).map(String.init)
        guard let address = WebAddress("http://\(parts.last ?? "")") else {
            throw GitError(.invalidConfiguration, "https_proxy does not name a proxy")
        }
        let port = authority.contains(":") ? address.port : 3128
        guard parts.count == 2 else { return .server(host: address.host, port: port) }
        let user = parts[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return .server(
            host: address.host, port: port,
            authorization: .basic(username: user[0], password: user.count > 1 ? user[1] : ""))
    }

    private static func isExempt(_ host: String, _ list: String) -> Bool {
        list.split(separator: ",").contains { item in
            var name = item.filter { !$0.isWhitespace }.lowercased()
            if name == "*" { return true }
            while name.hasPrefix(".") || name.hasPrefix("*") { name.removeFirst() }
            return !name.isEmpty && (host == name || host.hasSuffix("." + name))
        }
    }
}
