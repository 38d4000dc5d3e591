internal import CLibGit2
import Reconcile
import Trust

/// Tells from the words of ssh, of a server or of libgit2 what class of trouble it is: there are no codes for it.
struct NetworkFailure {
    let url: GitRemoteURL
    let request: GitNetworkRequest
    /// The ssh that was run, and its environment.
    var ssh: SSHCommand?
    var environment: [String: String] = [:]

    /// What ssh's standard error and exit status mean; nil when it ended well, or was ended by us.
    func error(sshSaid text: String, status: Int32?) -> GitError? {
        let lines = text.split(whereSeparator: \.isNewline).map {
            String($0).withoutControlCharacters(keepingLines: false)
        }
        let words = lines.filter { !$0.allSatisfy { "@ ".contains($0) } && !$0.hasPrefix("Warning: Permanently added") }
        guard let status else { return nil }
        guard status != 0 || words.contains(where: { $0.hasPrefix("fatal:") || $0.hasPrefix("ERROR:") }) else {
            return nil
        }
        let said = words.isEmpty ? "ssh ended without a word" : words.suffix(8).joined(separator: "\n")
        func saysAny(_ parts: String...) -> Bool { parts.contains { part in words.contains { $0.contains(part) } } }
        if saysAny("IDENTIFICATION HAS CHANGED", "Offending") { return hostKeyChanged(words) }
        if saysAny("REVOKED HOST KEY") {
            return GitError(.hostKeyChanged, "the host key of \(url.host) is revoked in known_hosts: \(said)")
        }
        if saysAny("Host key verification failed", "host key is known for") { return hostKeyUnknown(words) }
        if saysAny("UNPROTECTED PRIVATE KEY", "Bad owner or permissions") {
            return GitError(
                .permissions, "ssh refuses a file for \(url):\n\(said)", advice: "Make it private: chmod 600.")
        }
        if saysAny("Permission denied", "Too many authentication failures", "No supported authentication methods") {
            return GitError(
                .authenticationFailed, "\(url.host) does not accept our key for \(url):\n\(said)",
                advice: request.sshKey.map { "Give the public key of \($0) read access to the repository." }
                    ?? "Set git.ssh_key to a key that may read the repository.")
        }
        if saysAny(
            "does not appear to be a git repository", "epository not found", "does not exist", "not a git repository",
            "could not be found")
        {
            return repositoryMissing(said)
        }
        if saysAny("not found", "No such file or directory"), status >> 8 == 127 {
            return GitError(.invalidConfiguration, "a program is missing for \(url):\n\(said)")
        }
        return GitError(
            .remoteUnreachable, "cannot reach \(url) over ssh:\n\(said)",
            advice: "Try it by hand: ssh \(url.port.map { "-p \($0) " } ?? "")\(url.host)")
    }

    private func hostKeyUnknown(_ words: [String]) -> GitError {
        let (message, advice) = finding(words).unknown
        return GitError(.hostKeyUnknown, message, advice: advice)
    }

    private func hostKeyChanged(_ words: [String]) -> GitError {
        let (message, advice) = finding(words).changed
        return GitError(.hostKeyChanged, message, advice: advice)
    }

    private func finding(_ words: [String]) -> HostKeyFinding {
        HostKeyProbe.finding(
            HostKeyFinding(host: url.host, port: url.port, knownHosts: request.knownHosts),
            arguments: ssh?.plainArguments, said: words, environment: environment)
    }

    private func repositoryMissing(_ said: String) -> GitError {
        GitError(
            .invalidConfiguration, "there is no repository at \(url), or we may not see it:\n\(said)",
            advice: "Correct the project's repository address, or give our key or token access to it.")
    }

    /// The server asked for a user name and password that we do not have, or did not like ours.
    func credentialsRefused(hadSome: Bool) -> GitError {
        hadSome
            ? GitError(
                .authenticationFailed, "\(url) refuses the user name and password",
                advice: "Check git.username and git.password; a token may have expired.")
            : GitError(
                .authenticationFailed, "\(url) asks for a user name and password, and none are configured",
                advice:
                    "Set git.username and git.password, or correct the address: some servers ask when there is none.")
    }

    /// Whether a failure of a `file` remote concerns the remote's directory rather than our cache.
    func isAboutTheRemoteDirectory(_ failure: LibGit2.Failure) -> Bool {
        failure.isNotFound || failure.text.contains(url.path)
    }

    /// What an error of libgit2 means for a remote.
    func error(for failure: LibGit2.Failure) -> GitError {
        let text = failure.text
        let kind = UInt32(bitPattern: failure.kind)
        if text.contains("No space left") || text.contains("quota exceeded") || text.contains("File too large") {
            return GitError(
                .diskFull, "cannot store what \(url) sends: \(text)", advice: "Free space in the state directory.")
        }
        if kind == GIT_ERROR_NOMEMORY.rawValue || text.lowercased().contains("out of memory") {
            return GitError.exceedsTransfer(
                "what \(url) sends needs more than \(request.limits.transferMemory.bytesText) of memory to unpack"
            )
        }
        if failure.code == GIT_ECERTIFICATE.rawValue || text.contains("certificate") {
            return GitError(
                .hostKeyUnknown, "the certificate of \(url.host) is not trusted: \(text)",
                advice:
                    "Name its authority in `git.ca`, or install it (update-ca-certificates); check the host name.")
        }
        if url.transport == .file { return fileError(failure) }
        let status = failure.httpStatus ?? 0
        if status == 401 || failure.code == GIT_EAUTH.rawValue {
            return credentialsRefused(hadSome: request.password ?? url.password != nil)
        }
        if status == 403 {
            return GitError(.authenticationFailed, "\(url) forbids access: \(text)")
        }
        if status == 404 || status == 410 { return repositoryMissing(text) }
        if (300..<400).contains(status) || text.contains("redirect") {
            return GitError(
                .invalidConfiguration, "\(url) sends us elsewhere: \(text)",
                advice:
                    "Put the repository's present address in the configuration: credentials are never sent elsewhere.")
        }
        if kind == GIT_ERROR_OS.rawValue, text.contains("ermission denied") {
            return GitError(.stateUnusable, "cannot write to the cache \(request.cache): \(text)")
        }
        return GitError(
            .remoteUnreachable, "cannot fetch from \(url): \(text)",
            advice: "Check the network and the address; the next run tries again.")
    }

    private func fileError(_ failure: LibGit2.Failure) -> GitError {
        if failure.text.contains("ermission denied") {
            return GitError(.permissions, "may not read the repository \(url): \(failure.text)")
        }
        return failure.isNotFound || failure.text.contains("failed to resolve path")
            || failure.text.contains("could not find repository")
            ? repositoryMissing(failure.text)
            : GitError(.remoteUnreachable, "cannot fetch from \(url): \(failure.text)")
    }
}
