import Compose

/// A project made by mutation, in memory below `/p`.
struct MutatedFiles {
    var contents: [String: [UInt8]] = [:]
    var interpolates = true

    /// The files in the order they are loaded.
    var names: [String] { contents.keys.sorted() }

    /// All files in one text, for a report.
    var record: [UInt8] {
        names.flatMap { Array("==> \($0)\n".utf8) + (contents[$0] ?? []) + [0x0A] }
    }

    var access: FileAccess {
        let contents = Dictionary(uniqueKeysWithValues: contents.map { ("/p/\($0.key)", $0.value) })
        let first = contents["/p/compose.yaml"] ?? []
        return FileAccess(
            kind: { path in
                if path.hasPrefix("/outside") { throw FileAccessError.outside(path: path) }
                return contents[path] != nil || path.hasSuffix(".env") ? .file : path.hasSuffix("/") ? .directory : nil
            },
            read: { path in
                if let bytes = contents[path] { return bytes }
                // A file that is extended or included is most often there, and most often something else.
                if path.hasSuffix(".env") { return Array("A=1\nB=${A}\n".utf8) }
                if path.hasSuffix("l") { return first }
                throw FileAccessError.notFound(path: path)
            })
    }
}

/// Makes inputs from seeds, the same ones for the same seed.
struct Mutation {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    /// splitmix64.
    private mutating func random(below bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(max(bound, 1)))
    }

    /// One project: a Compose file, often an override and an `.env`, each mutated up to eight times.
    mutating func files(from seeds: [[UInt8]]) -> MutatedFiles {
        var files = MutatedFiles()
        files.interpolates = random(below: 8) > 0
        files.contents["compose.yaml"] = text(from: seeds)
        if random(below: 3) == 0 { files.contents["compose.override.yaml"] = text(from: seeds) }
        if random(below: 4) == 0 { files.contents[".env"] = text(from: seeds) }
        return files
    }

    private mutating func text(from seeds: [[UInt8]]) -> [UInt8] {
        var text = seeds[random(below: seeds.count)]
        for _ in 0..<random(below: 1 + random(below: 6)) {
            mutate(&text, with: seeds[random(below: seeds.count)])
            if text.count > 60_000 { text.removeLast(text.count - 60_000) }
        }
        return text
    }

    private mutating func mutate(_ text: inout [UInt8], with other: [UInt8]) {
        let place = random(below: text.count + 1)
        switch random(below: 9) {
        case 0: if place < text.count { text[place] = UInt8(random(below: 256)) }
        case 1: if place < text.count { text[place] ^= 1 << random(below: 7) }
        case 2: text.removeSubrange(place..<min(text.count, place + 1 + random(below: 40)))
        case 3: swapLines(in: &text)
        case 4:
            let start = random(below: other.count)
            text.replaceSubrange(
                place..<min(text.count, place + random(below: 60)), with: other[start...].prefix(random(below: 400)))
        case 5: repeatPart(of: &text, at: place)
        case 6, 7: replaceValue(in: &text, near: place)
        default: text.insert(contentsOf: Self.tokens[random(below: Self.tokens.count)].utf8, at: place)
        }
    }

    private mutating func swapLines(in text: inout [UInt8]) {
        var lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
        lines.swapAt(random(below: lines.count), random(below: lines.count))
        text = Array(lines.joined(separator: [0x0A]))
    }

    private mutating func repeatPart(of text: inout [UInt8], at place: Int) {
        let part = Array(text[place...].prefix(1 + random(below: 12)))
        let repeated = Array(repeatElement(part, count: 1 << random(below: 11)).joined())
        text.insert(contentsOf: repeated, at: place)
    }

    /// Puts a token in the place of the value of the next key.
    private mutating func replaceValue(in text: inout [UInt8], near place: Int) {
        guard let colon = text[place...].firstIndex(of: 0x3A) else { return }
        let end = text[colon...].firstIndex(of: 0x0A) ?? text.count
        text.replaceSubrange(colon..<end, with: ": \(Self.tokens[random(below: Self.tokens.count)])".utf8)
    }

    private static let tokens = [
        "${A:-${B:-c}}", "${A", "$$", "${A?no}", "${A:+b}", "${COMPOSE_PROJECT_NAME}", "!reset", "!reset null",
        "!override []", "&a", "*a", "<<: *a", "<<: [*a, *a]", "{", "[", "}", "]", "\n", "\n  ", "---\n", "- ", "? ",
        "null", "~", "true", "no", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1e308", "-1",
        "1e19", "9223372036854775808.0", ".inf", "-.inf", ".nan", "0x7fffffffffffffff", "0o777", "0777", "1_000", "1.",
        "2001-12-14", "2001-12-14 21:59:43.10 -5", "!!binary aGk=", "!!int \"3\"", "!!float 3", "!foo bar", "1-65535",
        "65535-1", "1-65535:1-65535/udp", "127.0.0.1::80", "[::1]:80:80", "::", "/", "..", "../../../../x", "~/x",
        "C:\\x:/y", "a:b:c:d", ":/x", "x:/y:ro,z,nocopy", "9999999h", "1ns", "2562048h", "-9223372036854775808ns",
        "99999999999999999999g", "1.5 GiB", "8pb", "services: {}", "extends: {service: web}", "extends: web",
        "include: [compose.yaml]", "include: [other.yaml]", "extends: {file: other.yml, service: web}",
        "depends_on: [web]", "depends_on: {web: {condition: service_healthy}}", "network_mode: service:web",
        "env_file: [a.env]", "env_file: {path: /outside/x.env, required: false}", "label_file: a.env",
        "deploy: {replicas: 3}", "scale: 2", "x-a: &a {b: c}", "\u{FEFF}", "\u{0}", "\u{85}", "\u{2028}", "e\u{301}",
        "\"\\u0000\"", "\"\\ud800\"", "\t", "\r\n", "\"", "'", "#", "|", ">", "|+9", "%YAML 1.2\n", "%TAG ! x\n", "@",
        "`",
    ]
}

extension Mutation {
    /// Small projects that between them use most of what a Compose file may say.
    static let ownSeeds = [
        """
        name: demo
        x-base: &base {restart: always, labels: {a: b}}
        services:
          web:
            <<: *base
            image: "nginx:${TAG:-1}"
            ports: ["8080:80", "127.0.0.1:9000-9002:9000-9002/udp", {target: 1, published: "2"}]
            volumes: ["./a:/b:ro", "data:/d", {type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 0700}}]
            environment: {A: 1, B: }
            env_file: [{path: a.env, required: false, format: raw}]
            depends_on: {db: {condition: service_healthy, restart: true}}
            healthcheck: {test: [CMD, "true"], interval: 1m30s, retries: 3, start_period: 500ms}
            deploy:
              replicas: 2
              resources: {limits: {cpus: "0.5", memory: 64m, pids: 10}, reservations: {devices: [{capabilities: [gpu], count: all}]}}
              update_config: {parallelism: 1, delay: 5s, max_failure_ratio: 0.1}
            ulimits: {nofile: {soft: 1, hard: 2}, nproc: 5}
            sysctls: [net.core.somaxconn=1]
            tmpfs: /x:size=1
            secrets: [key, {source: key, target: k2, uid: "1", mode: 0440}]
            configs: [{source: conf, target: /c}]
            networks: {front: {aliases: [w], ipv4_address: 10.0.0.2, priority: 1}}
            develop: {watch: [{action: sync, path: ./a, target: /b, ignore: [c]}]}
            post_start: [{command: echo hi, user: root}]
          db:
            build: {context: ., dockerfile_inline: "FROM x", args: [A, B=1], ssh: [default], secrets: [key], tags: [a:b], platforms: [linux/amd64]}
            command: sh -c "echo $$HOME 'x y' | cat"
            entrypoint: [a, b]
            extra_hosts: ["a:1.2.3.4", "b=::1"]
            networks: [front]
            devices: ["/dev/null:/dev/x:rw"]
            logging: {driver: json-file, options: {max-size: 1m}}
            blkio_config: {weight: 10, device_read_bps: [{path: /dev/x, rate: 1mb}]}
            profiles: [p]
            models: {llm: {endpoint_var: X}}
        networks: {front: {driver: bridge, ipam: {config: [{subnet: 10.0.0.0/24}]}}}
        volumes: {data: {driver_opts: {type: none, o: bind, device: ./d}}, ext: {external: true, name: "n${A}"}}
        secrets: {key: {environment: A}}
        configs: {conf: {content: "a ${B-x}"}}
        models: {llm: {model: a/b, context_size: 1024}}

        """,
        """
        include:
          - other.yaml
          - {path: [other.yml], project_directory: sub, env_file: a.env}
        services:
          a: {extends: {file: other.yml, service: web}, ports: !reset [], environment: !override [X=1]}
          b: {extends: a, container_name: b, provider: {type: x, options: {a: [b]}}}
          c: {image: x, gpus: all, volumes_from: [b:ro], links: [b:c], pid: "service:b", ipc: shareable}

        """,
        "A=1\nexport B=\"a\\n${A:-x}\\$\"\nC='lit $A' # c\nD: ${B}\nE\n#x\nF=\"two\nlines\"\n",
    ]
}
