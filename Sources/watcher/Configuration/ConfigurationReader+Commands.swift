internal import Compose
internal import Deploy
internal import YAML

/// Commands on the host, and the service that stands for Compose files.
extension ConfigurationReader {
    private static let commandKeys = ["command", "shell", "environment", "directory", "timeout"]

    func readCommands(_ section: SectionReader, _ settings: inout ProjectSettings) {
        settings.build = section.node("build").flatMap { build($0, section.name("build")) }
        settings.run = section.node("run").flatMap { run($0, section) }
        guard
            let hooks = section.node("hooks").flatMap({
                SectionReader(
                    $0, path: section.name("hooks"), keys: ["pre_deploy", "post_deploy", "on_failure"],
                    problems: problems)
            })
        else { return }
        settings.hooks.preDeploy = self.hooks("pre_deploy", hooks)
        settings.hooks.postDeploy = self.hooks("post_deploy", hooks)
        settings.hooks.onFailure = self.hooks("on_failure", hooks)
    }

    // MARK: - Build

    /// A list of commands, or a mapping that has one and says more.
    private func build(_ node: YAMLNode, _ path: String) -> BuildSettings? {
        var defaults = HostCommand(arguments: [], title: "", directory: ".", timeout: .seconds(900))
        guard node.mapping != nil else {
            let commands = commands(node, path, defaults, isBelowCheckout: true)
            return commands.map { BuildSettings(commands: $0, user: nil) }
        }
        guard
            let section = SectionReader(
                node, path: path, keys: ["commands", "environment", "directory", "timeout", "user"],
                problems: problems)
        else { return nil }
        read(section, into: &defaults, isBelowCheckout: true)
        let user = section.string("user")
        defaults.user = user
        guard let list = section.node("commands") else {
            problems.add("\(path): commands is missing", at: section.location)
            return nil
        }
        return commands(list, section.name("commands"), defaults, isBelowCheckout: true).map {
            BuildSettings(commands: $0, user: user)
        }
    }

    // MARK: - Hooks

    /// One command, or a list of them.
    private func hooks(_ key: String, _ section: SectionReader) -> [HostCommand] {
        guard let node = section.node(key) else { return [] }
        let defaults = HostCommand(arguments: [], title: "", directory: "/", timeout: .seconds(300))
        let isOne = node.mapping != nil || node.sequence?.first.map { $0.mapping == nil && $0.sequence == nil } ?? false
        if isOne { return command(node, section.name(key), defaults, isBelowCheckout: false).map { [$0] } ?? [] }
        return commands(node, section.name(key), defaults, isBelowCheckout: false) ?? []
    }

    // MARK: - Commands

    private func commands(
        _ node: YAMLNode, _ path: String, _ defaults: HostCommand, isBelowCheckout: Bool
    ) -> [HostCommand]? {
        guard let list = node.sequence, !list.isEmpty else {
            problems.add(
                "\(path): expected a list of commands, each a list of strings or {shell: …}", at: node.location)
            return nil
        }
        return list.enumerated().compactMap { index, node in
            command(node, "\(path)[\(index)]", defaults, isBelowCheckout: isBelowCheckout)
        }
    }

    /// `[program, argument …]`, `{shell: text}`, or `{command: […]}`; a mapping may say more.
    private func command(
        _ node: YAMLNode, _ path: String, _ defaults: HostCommand, isBelowCheckout: Bool
    ) -> HostCommand? {
        var command = defaults
        if node.sequence != nil {
            let arguments = SectionReader.strings(node, path, problems)
            return finished(&command, arguments, node, path)
        }
        guard node.mapping != nil else {
            problems.add(
                "\(path): expected a list of strings; write {shell: …} for a command that a shell reads",
                at: node.location)
            return nil
        }
        guard let section = SectionReader(node, path: path, keys: Self.commandKeys, problems: problems) else {
            return nil
        }
        read(section, into: &command, isBelowCheckout: isBelowCheckout)
        switch (section.node("command"), section.string("shell")) {
        case (let arguments?, nil):
            return finished(
                &command, SectionReader.strings(arguments, section.name("command"), problems), node, path)
        case (nil, let text?):
            command.title = text
            command.arguments = ["/bin/sh", "-ec", text]
            return command
        default:
            problems.add("\(path): expected either command or shell", at: node.location)
            return nil
        }
    }

    private func finished(
        _ command: inout HostCommand, _ arguments: [String], _ node: YAMLNode, _ path: String
    ) -> HostCommand? {
        guard let program = arguments.first, !program.isEmpty else {
            problems.add("\(path): the command is empty", at: node.location)
            return nil
        }
        command.arguments = arguments
        command.title = arguments.joined(separator: " ")
        return command
    }

    private func read(_ section: SectionReader, into command: inout HostCommand, isBelowCheckout: Bool) {
        command.environment.merge(section.variables("environment")) { $1 }
        command.timeout = section.duration("timeout", above: .zero) ?? command.timeout
        guard let directory = section.string("directory") else { return }
        let isAbsolute = directory.hasPrefix("/")
        if isBelowCheckout, isAbsolute || directory.split(separator: "/").contains("..") {
            problems.add(
                "\(section.name("directory")): must be a path inside the checkout",
                at: section.node("directory")?.location ?? section.location)
        } else if !isBelowCheckout, !isAbsolute {
            problems.add(
                "\(section.name("directory")): must be an absolute path",
                at: section.node("directory")?.location ?? section.location)
        }
        command.directory = directory
    }

    // MARK: - Run

    private func run(_ node: YAMLNode, _ section: SectionReader) -> ConfiguredService? {
        let path = section.name("run")
        guard let service = node.mapping else {
            problems.add("\(path): expected a mapping, found \(node.kindDescription)", at: node.location)
            return nil
        }
        if let files = section.node("files") {
            problems.add("\(section.path): files and run exclude each other", at: files.location)
        }
        if service["image"] == nil { problems.add("\(path): image is missing", at: node.location) }
        for (key, instead) in [
            ("env_file", "write env_files"), ("build", "it runs an image; what is built for it is the project's build"),
        ] {
            if let entry = service.entry(for: key) {
                problems.add("\(path).\(key): \(instead)", at: entry.keyLocation)
            }
        }
        if let mount = service["mount"], mount.string?.hasPrefix("/") != true {
            problems.add("\(path).mount: expected an absolute path", at: mount.location)
        }
        return ConfiguredService(node)
    }
}
