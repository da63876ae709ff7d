# Debian packages of this machine. Needs paths.sh.

# packages_need NAME ...: installs those that the machine lacks.
packages_need() {
  local package missing=()
  command -v dpkg-query >/dev/null || { say "this is not Debian: install what corresponds to these packages by hand: $*"; return 1; }
  for package; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || { say "root is needed to install: apt-get install ${missing[*]}"; return 1; }
  say "installing ${missing[*]}"
  # an index that is too old names packages that are gone: read it anew when the first try fails
  packages_install "${missing[@]}" || fetched packages_install_anew "${missing[@]}" || { say "installing ${missing[*]} failed"; return 1; }
}

# somebody else's apt is waited for
packages_install() { DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@" > /dev/null; }
packages_install_anew() { apt-get -qq -o Acquire::Retries=3 update && packages_install "$@"; }
