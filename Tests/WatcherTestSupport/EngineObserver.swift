package import FoundationEssentials

/// The private engine, seen and touched through its API by `curl`: nothing of watcher is between a test and the truth.
package struct EngineObserver: Sendable {
    /// The path of the engine's socket.
    package let socket: String

    package init(socket: String) { self.socket = socket }

    /// A container as `GET /containers/ID/json` tells it.
    package struct Container: Sendable, Equatable, CustomStringConvertible {
        package var id: String
        /// Without the leading slash.
        package var name: String
        package var labels: [String: String]
        /// `created`, `running`, `exited` …
        package var state: String
        /// `starting`, `healthy`, `unhealthy`; nil without a health check.
        package var health: String?
        package var exitCode: Int
        package var restartCount: Int
        /// RFC 3339, as the engine says it.
        package var startedAt: String
        /// The reference it was created from, and the id of its image.
        package var image: String
        package var imageID: String
        package var environment: [String]
        /// Source (or volume name) by target.
        package var mounts: [String: String]
        package var networks: [String]

        /// The Compose service it belongs to; empty for none.
        package var service: String { labels["com.docker.compose.service"] ?? "" }
        package var isRunning: Bool { state == "running" }
        package var description: String {
            "\(name) \(id.prefix(12)) \(state)\(health.map { " (\($0))" } ?? "") exit \(exitCode) since \(startedAt)"
        }
    }

    /// The engine refused a request of the test itself.
    package struct Refusal: Error, CustomStringConvertible {
        package var request: String
        package var status: Int
        package var message: String
        package var description: String { "\(request): HTTP \(status): \(message)" }
    }

    /// One request; throws `Refusal` when the status is not below 400.
    ///
    /// - Parameter query: values are percent-encoded here.
    @discardableResult
    package func request(
        _ method: String, _ path: String, query: [String: String] = [:], body: String? = nil, seconds: Int = 60
    ) async throws -> String {
        var url = "http://docker" + path
        for (position, item) in query.sorted(by: { $0.key < $1.key }).enumerated() {
            url += (position == 0 ? "?" : "&") + item.key + "=" + percentEncoded(item.value)
        }
        var arguments = [
            "--silent", "--show-error", "--noproxy", "*", "--max-time", "\(seconds)", "--unix-socket", socket,
            "--request", method, "--write-out", "\n%{http_code}",
        ]
        if let body { arguments += ["--header", "Content-Type: application/json", "--data-binary", body] }
        let answer = try await execute(
            "curl", arguments + [url], environment: ["PATH": "/usr/local/bin:/usr/bin:/bin"],
            deadline: .seconds(seconds + 10))
        var lines = answer.output.split(separator: "\n", omittingEmptySubsequences: false)
        let status = lines.popLast().flatMap { Int($0) } ?? 0
        let text = lines.joined(separator: "\n")
        guard answer.status == 0, (200..<400).contains(status) else {
            throw Refusal(request: "\(method) \(path)", status: status, message: text + answer.errorOutput)
        }
        return text
    }

    /// One request whose answer is JSON.
    package func json(_ method: String, _ path: String, query: [String: String] = [:], body: String? = nil) async throws
        -> JSONValue
    {
        try JSONValue(parsing: try await request(method, path, query: query, body: body))
    }

    // MARK: What is there

    /// All containers of a Compose project, stopped ones too, in order of name.
    package func containers(project: String) async throws -> [Container] {
        try await containers(query: ["all": "1", "filters": labelFilter("com.docker.compose.project=\(project)")])
    }

    /// All containers whose project or name contains a text.
    package func containers(where text: String) async throws -> [Container] {
        try await containers(query: ["all": "1"]).filter {
            $0.name.contains(text) || $0.labels["com.docker.compose.project"]?.contains(text) == true
        }
    }

    /// The one container of a service; the test fails when there is another number of them.
    package func container(
        _ service: String, in project: String, fileID: String = #fileID, line: Int = #line
    ) async throws -> Container {
        let all = try await containers(project: project)
        let matching = all.filter { $0.service == service }
        guard matching.count == 1 else {
            throw UnexpectedResult(description: "\(fileID):\(line): expected one container of \(service): \(all)")
        }
        return matching[0]
    }

    /// The container with an id or name.
    package func container(_ id: String) async throws -> Container {
        let json = try await json("GET", "/containers/\(id)/json")
        let (state, config) = (json["State"], json["Config"])
        let mounts = json["Mounts"].elements.map {
            ($0["Destination"].text ?? "", $0["Name"].text ?? $0["Source"].text ?? "")
        }
        return Container(
            id: json["Id"].text ?? "", name: String(json["Name"].text?.dropFirst() ?? ""),
            labels: config["Labels"].members.compactMapValues(\.text), state: state["Status"].text ?? "",
            health: state["Health"]["Status"].text, exitCode: state["ExitCode"].integer ?? 0,
            restartCount: json["RestartCount"].integer ?? 0, startedAt: state["StartedAt"].text ?? "",
            image: config["Image"].text ?? "", imageID: json["Image"].text ?? "",
            environment: config["Env"].elements.compactMap(\.text), mounts: Dictionary(mounts) { $1 },
            networks: json["NetworkSettings"]["Networks"].members.keys.sorted())
    }

    /// The names of a Compose project's networks, sorted.
    package func networks(project: String) async throws -> [String] {
        let filters = labelFilter("com.docker.compose.project=\(project)")
        return try await json("GET", "/networks", query: ["filters": filters]).elements.compactMap { $0["Name"].text }
            .sorted()
    }

    /// The names of a Compose project's volumes, sorted.
    package func volumes(project: String) async throws -> [String] {
        let filters = labelFilter("com.docker.compose.project=\(project)")
        return try await json("GET", "/volumes", query: ["filters": filters])["Volumes"].elements
            .compactMap { $0["Name"].text }.sorted()
    }

    /// What a container wrote, with the engine's frame headers left in.
    package func log(of id: String) async throws -> String {
        try await request("GET", "/containers/\(id)/logs", query: ["stdout": "1", "stderr": "1", "tail": "200"])
    }

    /// Runs a command in a running container and returns what it wrote.
    package func output(of command: [String], in id: String) async throws -> String {
        let words = command.map(quoted).joined(separator: ",")
        let exec = try await json(
            "POST", "/containers/\(id)/exec", body: "{\"AttachStdout\":true,\"Tty\":true,\"Cmd\":[\(words)]}")
        return try await request(
            "POST", "/exec/\(exec["Id"].text ?? "")/start", body: "{\"Detach\":false,\"Tty\":true}"
        ).replacing("\r\n", with: "\n")
    }

    /// Waits until an event of a project's container has happened since `since`.
    ///
    /// - Parameter action: `start`, `die`, `create` …
    /// - Throws: `Refusal` when it has not happened within `seconds`.
    package func waitForEvent(_ action: String, project: String, since: Date, seconds: Int = 30) async throws {
        let filters =
            "{\"type\":[\"container\"],\"event\":[\(quoted(action))],"
            + "\"label\":[\(quoted("com.docker.compose.project=\(project)"))]}"
        // The stream goes on after its first line: read that one and end curl.
        let script = """
            exec 3< <(exec curl --silent --noproxy '*' --no-buffer --max-time \(seconds) --unix-socket "$1" "$2")
            curl=$!
            read -r line <&3 && echo "$line"
            kill $curl
            """
        let milliseconds = Int((since.timeIntervalSince1970 * 1000).rounded(.down))
        let moment = "\(milliseconds / 1000).\(String("\(milliseconds % 1000 + 1000)".dropFirst()))"
        let url = "http://docker/events?since=\(moment)&filters=" + percentEncoded(filters)
        let line = try await execute(
            "bash", ["-c", script, "bash", socket, url], environment: ["PATH": "/usr/local/bin:/usr/bin:/bin"],
            deadline: .seconds(seconds + 10))
        guard !line.output.isEmpty else {
            throw Refusal(request: "GET /events", status: 200, message: "no \(action) of \(project) in \(seconds) s")
        }
    }

    /// What was done to a project's containers, networks and volumes since a moment: each event but those of programs
    /// that run in containers and of their health, `container start shop-web-1`.
    package func writes(to project: String, since: Date) async throws -> [String] {
        let filters = #"{"type":["container","network","volume"]}"#
        let milliseconds = Int((since.timeIntervalSince1970 * 1000).rounded(.up))
        let query = [
            "since": "\(milliseconds / 1000).\(String("\(milliseconds % 1000 + 1000)".dropFirst()))",
            "until": "\(Date().timeIntervalSince1970)", "filters": filters,
        ]
        return try await request("GET", "/events", query: query).split(separator: "\n").compactMap { line in
            let event = try JSONValue(parsing: String(line))
            let (action, actor) = (event["Action"].text ?? "", event["Actor"])
            let attributes = actor["Attributes"]
            let owner = attributes["com.docker.compose.project"].text
            let name = attributes["name"].text ?? actor["ID"].text ?? ""
            let quiet = ["exec_", "health_status", "top", "attach"]
            guard owner == project || name.hasPrefix(project), !quiet.contains(where: action.hasPrefix) else {
                return nil
            }
            return "\(event["Type"].text ?? "") \(action) \(name)"
        }
    }

    // MARK: What a test changes

    /// Starts a container that is not watcher's, `body` being the engine's own JSON; returns its id.
    package func start(name: String, body: String) async throws -> String {
        let id = try await json("POST", "/containers/create", query: ["name": name], body: body)["Id"].text ?? ""
        try await request("POST", "/containers/\(id)/start")
        return id
    }

    /// Removes every container, network and volume of a Compose project, and the images that were built for it.
    package func removeProject(_ project: String) async throws {
        for container in try await containers(project: project) { try await remove(container: container.id) }
        for network in try await networks(project: project) { try await remove(network: network) }
        for volume in try await volumes(project: project) { try await request("DELETE", "/volumes/\(volume)") }
        let filters = labelFilter("com.docker.compose.project=\(project)")
        for _ in 0..<10 {
            let images = try await json("GET", "/images/json", query: ["filters": filters, "all": "0"]).elements
            if images.isEmpty { break }
            for image in images {
                // One that another was made from goes with that one, or in the next round.
                _ = try? await request("DELETE", "/images/\(image["Id"].text ?? "")", query: ["force": "1"])
            }
        }
    }

    /// Removes a container with its anonymous volumes, running or not.
    package func remove(container id: String) async throws {
        try await request("DELETE", "/containers/\(id)", query: ["force": "1", "v": "1"])
    }

    /// Removes a network, and before that endpoints the engine has forgotten to remove with their containers (20.10 does).
    private func remove(network: String) async throws {
        do {
            try await request("DELETE", "/networks/\(network)")
        } catch let refusal as Refusal where refusal.status == 403 {
            for (_, endpoint) in try await json("GET", "/networks/\(network)")["Containers"].members {
                let body = "{\"Container\":\(quoted(endpoint["Name"].text ?? "")),\"Force\":true}"
                try await request("POST", "/networks/\(network)/disconnect", body: body)
            }
            do {
                try await request("DELETE", "/networks/\(network)")
            } catch let refusal as Refusal where refusal.status == 403 {
                // An endpoint nobody can be found for goes with the engine.
                let left = try await json("GET", "/networks/\(network)")["Containers"].members
                if !left.isEmpty { throw refusal }
            }
        }
    }

    private func containers(query: [String: String]) async throws -> [Container] {
        var all: [Container] = []
        for item in try await json("GET", "/containers/json", query: query).elements {
            do {
                all.append(try await container(item["Id"].text ?? ""))
            } catch let refusal as Refusal where refusal.status == 404 {
                continue  // gone since it was listed
            }
        }
        return all.sorted { $0.name < $1.name }
    }

    private func labelFilter(_ label: String) -> String { "{\"label\":[\(quoted(label))]}" }
}

/// The text as a JSON string.
package func quoted(_ text: String) -> String {
    guard let data = try? JSONEncoder().encode(text) else { return "\"\"" }
    return String(decoding: data, as: UTF8.self)
}

private func percentEncoded(_ text: String) -> String {
    text.utf8.map { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            return String(UnicodeScalar(byte))
        default: return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
    }.joined()
}
