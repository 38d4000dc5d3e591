import CLibYAML

/// One event of libyaml's parser, without any C type.
enum Event {
    case streamEnd
    case documentStart
    case scalar(Scalar)
    case sequenceStart(anchor: String?, tag: String?)
    case mappingStart(anchor: String?, tag: String?)
    case collectionEnd
    case alias(String)
    /// Stream start and document end, which carry nothing.
    case other

    struct Scalar {
        var text: String
        var anchor: String?
        var tag: String?
        var isPlain: Bool
    }
}

/// The stream of events of one text. The buffer must outlive the reader.
final class EventReader {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let bytes: UnsafeBufferPointer<UInt8>
    let file: String

    init(_ bytes: UnsafeBufferPointer<UInt8>, file: String) {
        self.bytes = bytes
        self.file = file
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        yaml_parser_initialize(parser)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// The next event and the place where it starts.
    func next() throws(YAMLError) -> (event: Event, location: SourceLocation) {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        let location = location(of: event.start_mark)
        switch event.type {
        case YAML_STREAM_END_EVENT: return (.streamEnd, location)
        case YAML_DOCUMENT_START_EVENT:
            if let version = event.data.document_start.version_directive?.pointee,
                (version.major, version.minor) != (1, 1)
            {
                throw YAMLError("YAML \(version.major).\(version.minor) is not known, only 1.1", at: location)
            }
            return (.documentStart, location)
        case YAML_ALIAS_EVENT: return (.alias(text(event.data.alias.anchor) ?? ""), location)
        case YAML_SCALAR_EVENT: return (.scalar(scalar(event.data.scalar)), location)
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return (.sequenceStart(anchor: text(start.anchor), tag: text(start.tag)), location)
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return (.mappingStart(anchor: text(start.anchor), tag: text(start.tag)), location)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return (.collectionEnd, location)
        default: return (.other, location)
        }
    }

    private func scalar(_ data: yaml_event_s.__Unnamed_union_data.__Unnamed_struct_scalar) -> Event.Scalar {
        let bytes = UnsafeBufferPointer(start: data.value, count: data.length)
        return Event.Scalar(
            text: String(decoding: bytes, as: UTF8.self),
            anchor: text(data.anchor), tag: text(data.tag), isPlain: data.style == YAML_PLAIN_SCALAR_STYLE)
    }

    private func text(_ pointer: UnsafePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func location(of mark: yaml_mark_t) -> SourceLocation {
        SourceLocation(file: file, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private func failure() -> YAMLError {
        let state = parser.pointee
        guard state.error != YAML_MEMORY_ERROR else {
            return YAMLError("not enough memory", at: SourceLocation(file: file, line: 1, column: 1))
        }
        let problem = state.problem.map { String(cString: $0) } ?? "unreadable text"
        if state.error == YAML_READER_ERROR {
            let place = YAMLParser.location(ofByte: Int(state.problem_offset), in: bytes, file: file)
            return YAMLError(problem, at: place)
        }
        guard let context = state.context else { return YAMLError(problem, at: location(of: state.problem_mark)) }
        let start = location(of: state.context_mark)
        return YAMLError(
            "\(problem) \(String(cString: context)) that starts at line \(start.line), column \(start.column)",
            at: location(of: state.problem_mark))
    }
}
