// Tests of Deploy.
