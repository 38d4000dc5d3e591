// Tests of Compose.
