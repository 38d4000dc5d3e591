import AsyncHTTPClient
import NIOCore

/// Puts into words why no answer came from the engine.
enum ConnectionFailure {
    private static let notThere: Int32 = 2
    private static let notPermitted: Int32 = 1
    private static let accessDenied: Int32 = 13
    private static let refused: Int32 = 111

    /// What went wrong, and what to do about it.
    static func explain(
        _ error: any Error, endpoint: EngineEndpoint, deadline: Duration
    ) -> (detail: String, advice: String) {
        if let error = error as? DeadlineExceeded {
            return (
                "no answer from the engine at \(endpoint) within \(error.after.inSeconds)",
                "See whether the engine is overloaded or stuck: its log, `docker info`."
            )
        }
        switch code(of: error) {
        case notThere:
            return (
                "nothing is at \(endpoint): no such socket",
                "Install or start the Docker Engine (`systemctl start docker`), or name its socket (engine.host)."
            )
        case accessDenied, notPermitted:
            return (
                "not permitted to use \(endpoint)",
                "Run watcher as root, or add its user to the group that owns the socket (usually `docker`)."
            )
        case refused:
            return (
                "connection refused by \(endpoint)",
                "The Docker Engine is not running there: start it (`systemctl start docker`) and look at its log."
            )
        default: break
        }
        if let error = error as? HTTPClientError, error == .deadlineExceeded || error == .connectTimeout {
            return (
                "no answer from the engine at \(endpoint) within \(deadline.inSeconds)",
                "See whether the engine is overloaded or stuck: its log, `docker info`."
            )
        }
        if let trouble = aboutTLS(error, endpoint) { return trouble }
        return (
            "the connection to the engine at \(endpoint) failed: \(error)",
            "See whether the engine runs and that engine.host and its TLS files are right."
        )
    }

    /// The library's errors hold OpenSSL's names for what went wrong, and places in its source.
    private static func aboutTLS(
        _ error: any Error, _ endpoint: EngineEndpoint
    ) -> (detail: String, advice: String)? {
        guard endpoint.tls != nil else { return nil }
        let text = String(describing: error)
        func says(_ parts: String...) -> Bool { parts.contains(where: text.contains) }
        if says("CERTIFICATE_VERIFY_FAILED", "unableToValidateCertificate", "failedToValidateHostname") {
            return (
                "the certificate of the engine at \(endpoint) is not trusted",
                "Set engine.tls.ca to the authority that signed it; the certificate must name the host."
            )
        }
        if says("_ALERT_", "UNKNOWN_CA", "CERTIFICATE_REQUIRED") {
            return (
                "the engine at \(endpoint) does not accept our certificate",
                "Set engine.tls.cert and key to ones that the engine's authority signed."
            )
        }
        guard says("WRONG_VERSION_NUMBER", "HTTP_REQUEST") else { return nil }
        return ("the engine at \(endpoint) does not speak TLS", "Leave engine.tls out, or correct the port.")
    }

    /// Whether the connection was closed before an answer came.
    static func isClosedConnection(_ error: any Error) -> Bool {
        if let error = error as? HTTPClientError { return error == .remoteConnectionClosed }
        if let error = error as? ChannelError { return error == .ioOnClosedChannel || error == .eof }
        let reset: Int32 = 104
        let brokenPipe: Int32 = 32
        return [reset, brokenPipe].contains((error as? IOError)?.errnoCode)
    }

    /// The system's error number behind the error, if there is one.
    static func code(of error: any Error) -> Int32? {
        if let error = error as? IOError { return error.errnoCode }
        // A connection to a host name fails with one error for each address; the type is not in reach here.
        let text = String(describing: error)
        if text.contains("No such file or directory") { return notThere }
        if text.contains("Permission denied") { return accessDenied }
        if text.contains("onnection refused") || text.contains("ECONNREFUSED") { return refused }
        return nil
    }
}
