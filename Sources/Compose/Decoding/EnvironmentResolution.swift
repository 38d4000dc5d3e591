extension Project {
    /// The project with every enabled service's env files folded into its environment and its label files into its
    /// labels, as `up` does before it makes containers.
    ///
    /// `environment` wins over env files, later files win over earlier ones, and a variable without a value takes that
    /// of the project. The lists of files stay, so that their content can be watched. Doing it twice changes nothing.
    /// Throws `ComposeError` when a required file is missing or a file is not in the format.
    package func resolvingEnvironment(files: FileAccess) throws -> Project {
        var budget = DotenvBudget()
        return try resolvingLabels(files: files).updatingServices { service throws(ComposeError) in
            service.environment = try service.resolvedEnvironment(variables: environment, files: files, &budget)
        }
    }

    /// The project with label files folded into labels: explicit labels win over every file.
    func resolvingLabels(files: FileAccess) throws(ComposeError) -> Project {
        var budget = DotenvBudget()
        return try updatingServices { service throws(ComposeError) in
            var labels: [String: String] = [:]
            for file in service.labelFiles {
                guard let bytes = try files.bytes(of: file, in: service, "label_file", isRequired: true) else {
                    continue
                }
                let known = labels
                var found: [String: String] = [:]
                try Dotenv(file: file) { known[$0] }.read(bytes, into: &found)
                try budget.charge(bytes.count + found.byteCount, at: nil, path: file)
                labels.merge(found) { $1 }
            }
            service.labels = labels.merging(service.labels) { $1 }
        }
    }

    /// Changes every enabled service; throws all problems together.
    private func updatingServices(
        _ change: (inout Service) throws(ComposeError) -> Void
    ) throws(ComposeError) -> Project {
        var project = self
        var problems: [ComposeError.Problem] = []
        for name in services.keys.sorted() {
            guard var service = services[name] else { continue }
            do {
                try change(&service)
                project.services[name] = service
            } catch {
                problems += error.problems
                if problems.count >= ComposeError.mostProblems { break }
            }
        }
        guard problems.isEmpty else { throw ComposeError(problems) }
        return project
    }
}

extension Service {
    fileprivate func resolvedEnvironment(
        variables: [String: String], files: FileAccess, _ budget: inout DotenvBudget
    ) throws(ComposeError) -> [String: String?] {
        var own: [String: String?] = [:]
        for (key, value) in environment { own.updateValue(value ?? variables[key], forKey: key) }
        var all = own.compactMapValues { $0 }
        for file in envFiles {
            let bytes = try files.bytes(of: file.path, in: self, "env_file", isRequired: file.required)
            guard let bytes else { continue }
            guard let format = Dotenv.Format(rawValue: file.format ?? Dotenv.Format.dotenv.rawValue) else {
                throw ComposeError(
                    .init(
                        .unsupported, at: nil, path: "services.\(name).env_file",
                        "\"\(file.format ?? "")\" is no known format of an env file; known is raw"))
            }
            let dotenv = Dotenv(file: file.path) { key in variables[key] ?? own[key].flatMap { $0 } }
            try dotenv.read(bytes, format: format, into: &all)
            try budget.charge(bytes.count, at: nil, path: file.path)
        }
        if !envFiles.isEmpty { try budget.charge(all.byteCount, at: nil, path: "services.\(name).env_file") }
        var resolved: [String: String?] = all
        for (key, value) in own { resolved.updateValue(value, forKey: key) }
        return resolved
    }
}

extension [String: String] {
    fileprivate var byteCount: Int { reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count } }
}

extension FileAccess {
    /// The bytes of a file that a service names; nil when it may be missing and is.
    fileprivate func bytes(
        of path: String, in service: Service, _ attribute: String, isRequired: Bool
    ) throws(ComposeError) -> [UInt8]? {
        do {
            if try kind(path) == nil {
                if !isRequired { return nil }
                throw FileAccessError.notFound(path: path)
            }
            return try read(path)
        } catch FileAccessError.notFound where !isRequired {
            return nil
        } catch {
            throw ComposeError(
                .init(
                    .file, at: nil, path: "services.\(service.name).\(attribute)",
                    LoadSession.message(of: error, path: path)))
        }
    }
}
